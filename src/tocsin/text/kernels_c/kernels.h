/* What Tocsin's kernels share. Each kernel is one file and equals, bit for bit, a plain reference in Python:
 *
 *   fold.c      fold_join    fold a batch of UTF-8 texts into newline-joined lines         fold_arrays.py
 *   scan.c      scan_lines   sampled window hashes and hashed class sums, line by line     windows.py, classes.py
 *               list_rows    the table rows that the class sums of each line would add     classes.py
 *   siphash.c   siphash      SipHash-2-4 of 64-bit values under several keys at once       siphash.py
 *   probe.c     probe_vote   name the alarms that enough hashes of a line stand for        probe.py
 *               count_posted how many hashes each alarm is looked up by                    bank.py
 *   demands.c   meet_demands name the lines that hold what a rule demands                  demands.py
 *   origin.c    original_spans map spans of folded texts back to the originals             fold.py
 *   script.c    count_scripts  count the characters and the Han characters of lines         script.py
 *   utf8.c      are_utf8     whether strings are UTF-8                                     utf8.py
 *   stretch.c   densest_stretches  where a line holds most of an alarm's windows             stretch.py
 *
 * What comes in is not trusted: every length, offset and index is checked before use, and a wrong one raises ValueError.
 * Buffers are C-contiguous and aligned to their item; nothing is kept between calls but what keep_demands gives, a checked
 * copy of demands that meet_kept looks for, so that a handful of lines need not pay for the check; the GIL is released while working.
 * The bodies are plain C that compilers vectorise, with GNU vector types where lanes are wanted. On x86 each body is
 * compiled a second time for AVX2 and chosen at run time; on AArch64 NEON is part of the baseline. TOCSIN_PORTABLE leaves
 * out all that is of one processor.
 *
 * A further kernel is a file, a declaration at the end of this header, and a row of the method table in module.c.
 */
#ifndef TOCSIN_KERNELS_H
#define TOCSIN_KERNELS_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels read little-endian words; the references serve this machine"
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__) && !defined(TOCSIN_PORTABLE)
#define HAS_AVX2_CLONES 1
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")))
#define AVX512_CALL AVX512 __attribute__((noinline))  /* called from code for less, into which it cannot be put */
#endif

/* Compile body(args) as name_plain and, on x86, as name_avx2; name(args, avx2) chooses. */
#ifdef HAS_AVX2_CLONES
#define CLONES(type, name, body, job_type)                                                   \
    static type name##_plain(job_type *job) { return body(job); }                            \
    AVX2 static type name##_avx2(job_type *job) { return body(job); }                        \
    static type name(job_type *job, int avx2) { return avx2 ? name##_avx2(job) : name##_plain(job); }
#else
#define CLONES(type, name, body, job_type)                                                   \
    static type name(job_type *job, int avx2) { (void)avx2; return body(job); }
#endif

typedef enum { DONE, SHORT, NO_MEMORY, BAD_OFFSETS, BAD_UTF8, BAD_FOLD_TABLE, BAD_ALARM_TABLE, BAD_DEMANDS } Status;

INLINE int cpu_has_avx2(void) {
#ifdef HAS_AVX2_CLONES
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}

INLINE int cpu_has_avx512(void) {
#ifdef HAS_AVX2_CLONES
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
#else
    return 0;
#endif
}

/* Odd numbers that spread bits: a product's upper bits depend on all bits of the other factor. */
#define MIX_A 0x9E3779B97F4A7C15ULL
#define MIX_B 0xC2B2AE3D27D4EB4FULL
#define MIX_C 0xFF51AFD7ED558CCDULL

INLINE uint64_t load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
INLINE uint32_t load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }

/* The hash of the window of 12 bytes that begins at a byte: windows.py. */
#define WINDOW 12
INLINE uint64_t hash_window(const uint8_t *p) {
    uint64_t h = load64(p) * MIX_A ^ load32(p + 8) * MIX_B;
    h = (h ^ h >> 29) * MIX_C;
    return h ^ h >> 32;
}

/* What a folded line is made of: ASCII letters and digits, and U+3400 to U+9FFF as three bytes. */
INLINE int is_letter(uint8_t c) { return ((uint8_t)(c - 'a') < 26) | ((uint8_t)(c - '0') < 10); }
INLINE int leads_han(const uint8_t *p) { return ((uint8_t)(p[0] - 0xE4) < 6) | ((p[0] == 0xE3) & (p[1] >= 0x90)); }

/* lists.c: a growing list of numbers; reserve says no where memory ends. A sort's spare holds as many. */
typedef struct { uint64_t *item; size_t size, capacity; } List;
int reserve(List *list, size_t more);
void sort_hashes(uint64_t *a, size_t n, uint64_t *spare);
void sort_votes(uint64_t *a, size_t n, uint64_t *spare);
void merge_runs(uint64_t *a, size_t n, uint64_t *spare, size_t width);

/* buffers.c: what every kernel needs at its door to Python. */
PyObject *fail(Status status, size_t row);
int holds(const Py_buffer *view, size_t item, size_t least, const char *name);
void release(Py_buffer *views, int count);
PyObject *new_bytes(size_t count, size_t item);

/* The kernels as Python calls them; module.c says what each takes and gives. */
PyObject *fold_join(PyObject *module, PyObject *args);
PyObject *scan_lines(PyObject *module, PyObject *args);
PyObject *list_rows(PyObject *module, PyObject *args);
PyObject *siphash(PyObject *module, PyObject *args);
PyObject *probe_vote(PyObject *module, PyObject *args);
PyObject *count_posted(PyObject *module, PyObject *args);
PyObject *meet_demands(PyObject *module, PyObject *args);
PyObject *original_spans(PyObject *module, PyObject *args);
PyObject *count_scripts(PyObject *module, PyObject *args);
PyObject *are_utf8(PyObject *module, PyObject *args);
PyObject *densest_stretches(PyObject *module, PyObject *args);
PyObject *keep_demands(PyObject *module, PyObject *args);
PyObject *meet_kept(PyObject *module, PyObject *args);

#endif
