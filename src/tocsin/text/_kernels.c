/* Tocsin's kernels. Each one equals, bit for bit, a plain reference in Python that stands beside it:
 *
 *   fold_join    fold a batch of UTF-8 texts into newline-joined lines         fold_arrays.py
 *   scan_lines   sampled window hashes and hashed class sums, line by line     windows.py, classes.py
 *   list_rows    the table rows that the class sums of each line would add     classes.py
 *   siphash      SipHash-2-4 of 64-bit values under several keys at once       siphash.py
 *   probe_vote   count the hashes that a line shares with each alarm           probe.py
 *
 * What comes in is not trusted: every length, offset and index is checked before use, and a wrong one raises ValueError.
 * Buffers are C-contiguous and aligned to their item; nothing is kept between calls; the GIL is released while working.
 * The bodies are plain C that compilers vectorise, with GNU vector types where lanes are wanted. On x86 each body is
 * compiled a second time for AVX2 and chosen at run time; on AArch64 NEON is part of the baseline.
 *
 * The alarm table, four arrays that may be memory-mapped, little-endian:
 *
 *   keys      u64[2^b]   hashes, 0 for an empty slot. A hash h stands in the first slot from h >> (64 - b) on, wrapping
 *                        round, that was empty. At least one slot is empty. The hash 0 is never stored.
 *   values    u32[2^b]   of a filled slot: its hash's number j
 *   starts    u32[m + 1] rising; the alarms that hold hash j are postings[starts[j]] to postings[starts[j + 1] - 1]
 *   postings  u32[]      alarm numbers, each at most once for one hash
 */
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

#if defined(__x86_64__)
#define HAS_AVX2_CLONES 1
#define AVX2 __attribute__((target("avx2")))
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

typedef enum { DONE, SHORT, NO_MEMORY, BAD_OFFSETS, BAD_UTF8, BAD_FOLD_TABLE, BAD_ALARM_TABLE } Status;

static int cpu_has_avx2(void) {
#ifdef HAS_AVX2_CLONES
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}

INLINE uint64_t load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
INLINE uint32_t load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }

/* ------------------------------------------------------------------------------------------------ fold */

enum { IS_ASCII = 1, REMOVED = 2, ALIKE = 4, BASE64 = 8, SPACED = 16 };  /* row flags */

/* What a code point folds to, see packed_table.py: itself, up to three bytes held here, or a counted string in the pool. */
#define SELF (1u << 28)
#define LOOKS_ALIKE (1u << 27)
#define POOLED (1u << 26)
#define SIZE(entry) (((entry) >> 24) & 3)
#define LOW24 0xFFFFFFu

#define PLANES_PAGES 0x1100  /* pages of 256 code points */
#define BLOCK 32
#define SMALL 8
#define MARGIN 8             /* zeros before the lines, so that one may look a few bytes back */
#define ROOM 320             /* more than one step writes: a block, or a pooled string of at most 255 bytes */
#define BASE64_MIN 24

typedef struct {
    const uint8_t *data; size_t data_size;
    const int32_t *offsets; size_t rows;
    const uint16_t *page; size_t pages;    /* page[c >> 8] names a block of 256 entries; pages: how many blocks */
    const uint32_t *entry;
    const uint8_t *pool; size_t pool_size;
    uint8_t *out; size_t capacity;
    int64_t *starts; uint8_t *flags;
    size_t row, used;                      /* the next row, and what is written: a call resumes here */
} Fold;

static int fold_table_is_sound(const Fold *f) {
    for (size_t i = 0; i < PLANES_PAGES; i++)
        if (f->page[i] >= f->pages) return 0;
    const uint32_t *entry = f->entry + 256 * (size_t)f->page[0];
    for (uint32_t c = 0; c < 128; c++) {  /* what plain_block takes for granted */
        int blank = (c >= 9 && c <= 13) || (c >= 28 && c <= 32), upper = c >= 'A' && c <= 'Z';
        uint32_t expect = c == ' ' ? SELF : blank ? (1u << 24 | ' ') : upper ? (1u << 24 | (c + 32))
                          : c < 32 || c == 127 ? 0 : SELF;
        if (entry[c] != expect) return 0;
    }
    return 1;
}

/* Fold a block of plain ASCII; say no, having written rubbish, where it holds anything else or a blank to squeeze. */
INLINE int plain_block(const uint8_t *restrict p, uint8_t *restrict out, uint8_t last, const int size) {
    uint8_t odd = 0, twice = 0;
    for (int i = 0; i < size; i++) {
        uint8_t c = p[i];
        uint8_t blank = ((uint8_t)(c - 9) < 5) | ((uint8_t)(c - 28) < 5), upper = (uint8_t)(c - 'A') < 26;
        odd |= ((uint8_t)(c - 32) > 94) & !blank;
        out[i] = blank ? ' ' : (uint8_t)(c | (upper ? 32 : 0));
    }
    for (int i = 0; i < size - 1; i++) twice |= (out[i] == ' ') & (out[i + 1] == ' ');
    return !(odd | twice | ((last == ' ') & (out[0] == ' ')));
}

/* Decode one code point strictly; 0 bytes where the text is not UTF-8. */
INLINE int decode(const uint8_t *p, const uint8_t *end, uint32_t *code) {
    uint32_t a = p[0];
    if (a < 0x80) { *code = a; return 1; }
    if (a >= 0xC2 && a < 0xE0) {
        if (end - p < 2 || (p[1] & 0xC0) != 0x80) return 0;
        *code = (a & 31) << 6 | (p[1] & 63);
        return 2;
    }
    if (a >= 0xE0 && a < 0xF0) {
        if (end - p < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return 0;
        *code = (a & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
        return *code < 0x800 || (*code & 0xF800) == 0xD800 ? 0 : 3;
    }
    if (a < 0xF0 || a > 0xF4 || end - p < 4) return 0;
    if ((p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80) return 0;
    *code = (a & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
    return *code < 0x10000 || *code > 0x10FFFF ? 0 : 4;
}

/* Append bytes, and a blank only where none stands before it. */
INLINE uint8_t *push(uint8_t *o, uint8_t *last, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == ' ' && *last == ' ') continue;
        *o++ = *last = bytes[i];
    }
    return o;
}

INLINE Status fold_row(Fold *f, const uint8_t *p, const uint8_t *end, uint8_t *flags) {
    uint8_t *o = f->out + f->used, *brim = f->out + f->capacity - ROOM, last = '\n';
    const uint8_t *again = p, *again_small = p;  /* no block is tried before: the last one was not plain */
    const uint16_t *page = f->page;              /* not read anew after every byte written */
    const uint32_t *entry = f->entry;
    while (p < end) {
        if (o > brim) return SHORT;
        if (p >= again && end - p >= BLOCK && *p < 0x80) {
            if (plain_block(p, o, last, BLOCK)) { p += BLOCK; o += BLOCK; last = o[-1]; continue; }
            again = p + BLOCK;
        }
        if (p >= again_small && end - p >= SMALL && !(load64(p) & 0x8080808080808080ULL)) {
            if (plain_block(p, o, last, SMALL)) { p += SMALL; o += SMALL; last = o[-1]; continue; }
            again_small = p + SMALL;
        }
        uint32_t code = 0;
        int size = decode(p, end, &code);
        if (!size) return BAD_UTF8;
        uint32_t e = entry[256 * (size_t)page[code >> 8] + (code & 255)];
        if (size == 3 && e & SELF) {  /* most of Chinese */
            o[0] = p[0]; o[1] = p[1]; o[2] = last = p[2];
            *flags &= (uint8_t)~IS_ASCII;
            p += 3; o += 3;
            continue;
        }
        if (size > 1) *flags &= (uint8_t)~IS_ASCII;
        if (e & SELF) {
            if (size == 1) o = push(o, &last, p, 1);
            else {
                o[0] = p[0]; o[1] = p[1];
                if (size > 2) o[2] = p[2];
                if (size > 3) o[3] = p[3];
                o += size; last = o[-1];
            }
        } else if (e & POOLED) {
            size_t at = e & LOW24;
            if (at >= f->pool_size || at + f->pool[at] >= f->pool_size) return BAD_FOLD_TABLE;
            o = push(o, &last, f->pool + at + 1, f->pool[at]);
        } else {
            uint8_t held[4] = {(uint8_t)e, (uint8_t)(e >> 8), (uint8_t)(e >> 16), 0};
            o = push(o, &last, held, SIZE(e));
            if (!SIZE(e)) *flags |= REMOVED;
        }
        if (e & LOOKS_ALIKE) *flags |= ALIKE;
        p += size;
    }
    if (o > brim) return SHORT;
    *o++ = '\n';
    f->used = (size_t)(o - f->out);
    return DONE;
}

static const uint8_t in_base64[256] = {
    ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['+'] = 1, ['/'] = 1, ['_'] = 1, ['-'] = 1};

/* Say whether a run of the base64 alphabet is long enough; looks at one byte in a few. */
INLINE int holds_base64(const uint8_t *p, size_t n) {
    for (size_t i = 0; i + BASE64_MIN <= n;) {
        size_t j = i + BASE64_MIN;
        while (j > i && in_base64[p[j - 1]]) j--;
        if (j == i) return 1;
        i = j;
    }
    return 0;
}

INLINE int is_letter(uint8_t c) { return ((uint8_t)(c - 'a') < 26) | ((uint8_t)(c - '0') < 10); }
INLINE int leads_han(const uint8_t *p) { return ((uint8_t)(p[0] - 0xE4) < 6) | ((p[0] == 0xE3) & (p[1] >= 0x90)); }

enum { VIEW = 64, STRIDE = 48, REACH = 16 };

/* Count the letters and Han characters among 64 bytes that stand alone near another such; looks 3 bytes before, 4 behind. */
INLINE unsigned count_alone(const uint8_t *p, const int ascii) {
    uint8_t alone[REACH + VIEW] = {0}, count = 0;
    for (int i = 0; i < VIEW; i++) {
        const uint8_t *q = p + i;
        int letter = is_letter(q[0]) & !is_letter(q[1]), other = is_letter(q[-1]);
        if (!ascii) {
            int han = leads_han(q) & !(is_letter(q[3]) | leads_han(q + 3));
            letter = (letter & !leads_han(q + 1)) | han;
            other |= leads_han(q - 3);
        }
        alone[REACH + i] = (uint8_t)(letter & !other);
    }
    for (int i = REACH; i < REACH + VIEW; i++) {
        uint8_t near = alone[i - 2] | alone[i - 3] | alone[i - 4];
        if (!ascii)
            for (int back = 5; back <= 12; back++) near |= alone[i - back];
        count += alone[i] & near;
    }
    return count;
}

enum { OTHER, LETTER, SEPARATOR };

/* One character of a folded line: a letter, a separator of spaced-out letters, or neither. */
INLINE int spacing_class(const uint8_t *p, const uint8_t *end, int *size) {
    *size = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (*size > end - p) *size = (int)(end - p);
    if (*p < 0x80) return is_letter(*p) ? LETTER : memchr(" .-_*|/,'~+", *p, 11) ? SEPARATOR : OTHER;
    if (*size == 2) return p[0] == 0xC2 && p[1] == 0xB7 ? SEPARATOR : OTHER;
    if (*size != 3) return OTHER;
    if (leads_han(p)) return LETTER;
    int bullet = p[0] == 0xE2 && p[1] == 0x80 && p[2] == 0xA2;
    int stop = p[0] == 0xE3 && p[1] == 0x80 && (p[2] == 0x81 || p[2] == 0x82);
    return bullet || stop ? SEPARATOR : OTHER;
}

/* Five letters in a row, none beside another letter, one to three separators between them: derive.SPACED_RUN. */
static int holds_spaced(const uint8_t *p, const uint8_t *end) {
    int run = 0, gap = 0, letters = 0, size;  /* letters: how many stand side by side just before p */
    for (; p < end; p += size) {
        int kind = spacing_class(p, end, &size);
        if (kind == LETTER) { letters++; gap = 0; continue; }
        if (letters == 1 && ++run == 5) return 1;
        if (letters > 1 || kind == OTHER || ++gap > 3) run = 0;
        if (letters > 1 && kind == SEPARATOR) gap = 1;
        letters = 0;
    }
    return letters == 1 && run == 4;
}

/* Rule most lines out by vectors first: a spaced run makes four near pairs, each at most 12 bytes apart, all within 51.
 * Views overlap by more than a pair is long, so that two views that follow each other count all four. */
INLINE int line_is_spaced(const uint8_t *line, size_t n, const int ascii) {
    if (n < 9) return 0;
    if (n < VIEW) {
        uint8_t whole[MARGIN + VIEW + MARGIN] = {0};
        memcpy(whole + MARGIN, line, n);
        return count_alone(whole + MARGIN, ascii) >= 4 && holds_spaced(line, line + n);
    }
    unsigned before = 0;
    for (size_t i = 0; i < n; i += STRIDE) {
        unsigned here = count_alone(line + (n - i < VIEW ? n - VIEW : i), ascii);  /* the last views end with the line */
        if (before + here >= 4) return holds_spaced(line, line + n);
        before = here;
    }
    return 0;
}

INLINE Status fold_rows(Fold *f) {
    for (; f->row < f->rows; f->row++) {
        int64_t start = f->offsets[f->row], stop = f->offsets[f->row + 1];
        if (start < 0 || stop < start || (uint64_t)stop > f->data_size) return BAD_OFFSETS;
        const uint8_t *p = f->data + start;
        size_t line = f->used;
        uint8_t flags = IS_ASCII;
        Status status = fold_row(f, p, f->data + stop, &flags);
        if (status != DONE) return status;
        if (holds_base64(p, (size_t)(stop - start))) flags |= BASE64;
        size_t n = f->used - 1 - line;
        if (flags & IS_ASCII ? line_is_spaced(f->out + line, n, 1) : line_is_spaced(f->out + line, n, 0)) flags |= SPACED;
        f->flags[f->row] = flags;
        f->starts[f->row + 1] = (int64_t)f->used;
    }
    return DONE;
}
CLONES(Status, run_fold, fold_rows, Fold)

/* ------------------------------------------------------------------------------------------------ scan */

#define WINDOW 12
#define SAMPLED (1ULL << 60)
#define MIX_A 0x9E3779B97F4A7C15ULL
#define MIX_B 0xC2B2AE3D27D4EB4FULL
#define MIX_C 0xFF51AFD7ED558CCDULL
#define LANES 16

enum { WORDS = 1, HAN = 2, BYTES = 4, PAIRS = 8 };  /* features of the class sums, see classes.py */

typedef struct { uint64_t *item; size_t size, capacity; } List;

static int reserve(List *list, size_t more) {
    if (more <= list->capacity - list->size) return 1;
    if (more > SIZE_MAX / 16 - list->size) return 0;
    size_t capacity = (list->size + more) * 2;
    uint64_t *item = realloc(list->item, capacity * sizeof *item);
    if (!item) return 0;
    list->item = item;
    list->capacity = capacity;
    return 1;
}

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; size_t rows;
    Py_ssize_t kept;                       /* the smallest so many hashes of a line; 0: none; below 0: all */
    const int8_t *table; int shift;        /* 2^(64 - shift) rows of 16 weights, or NULL */
    int features;
    List hashes, spare;
    int64_t *starts;                       /* rows + 1, or NULL where no hashes are kept */
    int32_t *sums;                         /* rows * 16, or NULL */
} Scan;

/* Sort by merging sorted runs, so that no order of hashes is slow; the spare holds as many. */
static void sort_hashes(uint64_t *a, size_t n, uint64_t *spare) {
    enum { RUN = 16 };
    for (size_t lo = 0; lo < n; lo += RUN)
        for (size_t i = lo + 1; i < n && i < lo + RUN; i++) {
            uint64_t h = a[i];
            size_t j = i;
            for (; j > lo && a[j - 1] > h; j--) a[j] = a[j - 1];
            a[j] = h;
        }
    for (size_t width = RUN; width < n; width *= 2)
        for (size_t lo = 0; lo + width < n; lo += 2 * width) {
            size_t hi = n - lo < 2 * width ? n : lo + 2 * width, left = 0, right = lo + width;
            memcpy(spare, a + lo, width * sizeof *a);
            for (size_t at = lo; left < width; at++)
                a[at] = right == hi || spare[left] <= a[right] ? spare[left++] : a[right++];
        }
}

static size_t drop_repeats(uint64_t *a, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || a[i] != a[kept - 1]) a[kept++] = a[i];
    return kept;
}

/* Append every sampled hash of a line's windows, in the order of the text. */
INLINE int sample(List *list, const uint8_t *line, size_t n) {
    if (n < WINDOW) return 1;
    enum { STEP = 1024 };
    for (size_t i = 0, count = n - WINDOW + 1; i < count; i += STEP) {
        if (!reserve(list, STEP)) return 0;
        uint64_t *out = list->item + list->size;
        size_t found = 0, stop = count - i < STEP ? count - i : STEP;
        for (size_t j = 0; j < stop; j++) {
            uint64_t h = load64(line + i + j) * MIX_A ^ load32(line + i + j + 8) * MIX_B;
            h = (h ^ h >> 29) * MIX_C;
            h ^= h >> 32;
            out[found] = h;
            found += h < SAMPLED;
        }
        list->size += found;
    }
    return 1;
}

INLINE Status hash_line(Scan *s, const uint8_t *line, size_t n) {
    size_t first = s->hashes.size;
    if (!sample(&s->hashes, line, n)) return NO_MEMORY;
    size_t found = s->hashes.size - first;
    s->spare.size = 0;
    if (!reserve(&s->spare, found)) return NO_MEMORY;
    sort_hashes(s->hashes.item + first, found, s->spare.item);
    found = drop_repeats(s->hashes.item + first, found);
    if (s->kept > 0 && found > (size_t)s->kept) found = (size_t)s->kept;
    s->hashes.size = first + found;
    return DONE;
}

#if defined(__GNUC__)
typedef int8_t Weights __attribute__((vector_size(16)));
typedef int16_t Sums16 __attribute__((vector_size(32)));
#endif

typedef struct { const int8_t *table; int shift, count; Sums16 near; int32_t *far; uint32_t *rows; size_t listed; } Sums;

INLINE void flush(Sums *s) {
    for (int k = 0; k < LANES; k++) s->far[k] += s->near[k];
    s->near = (Sums16){0};
    s->count = 0;
}

/* Add the weights of one feature, 255 of them fit in 16 bits; or only list its row, where there is no table. */
INLINE void add(Sums *s, uint64_t tag, uint64_t value) {
    uint64_t h = (value ^ tag << 56) * MIX_A;
    h = (h ^ h >> 32) * MIX_C;
    if (!s->table) { s->rows[s->listed++] = (uint32_t)(h >> s->shift); return; }
    Weights w;
    memcpy(&w, s->table + (h >> s->shift) * LANES, LANES);
    s->near += __builtin_convertvector(w, Sums16);
    if (++s->count == 255) flush(s);
}

/* Up to 8 bytes as a little-endian number, without a look behind them unless there is room. */
INLINE uint64_t piece(const uint8_t *p, size_t n, const uint8_t *end) {
    if (n >= 8) return load64(p);
    if (end - p >= 8) return load64(p) & ((1ULL << 8 * n) - 1);
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

INLINE void add_grams(Sums *s, const uint8_t *line, size_t n, const uint8_t *end) {
    for (size_t i = 0; i + 3 <= n; i++) {
        uint64_t v = piece(line + i, n - i < 6 ? n - i : 6, end);
        for (size_t size = 3; size <= 6 && i + size <= n; size++) add(s, size, v & ((1ULL << 8 * size) - 1));
    }
}

INLINE void add_words(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, int features) {
    uint64_t word_before = 0, han_before = 0;
    for (size_t i = 0; i < n;) {
        if (is_letter(line[i])) {
            size_t j = i + 1;
            while (j < n && is_letter(line[j])) j++;
            uint64_t word = 0;
            for (; i < j; i += 8) word = (word ^ piece(line + i, j - i, end)) * MIX_B;
            i = j;
            if (features & WORDS) add(s, 7, word);
            if (features & PAIRS && word_before) add(s, 8, word_before * MIX_C ^ word);
            word_before = word;
            han_before = 0;
        } else if (n - i >= 3 && leads_han(line + i)) {
            uint64_t han = piece(line + i, 3, end);
            i += 3;
            if (features & HAN) {
                add(s, 1, han);
                if (han_before) add(s, 2, han_before | han << 24);
            }
            han_before = han;
        } else {
            i++;
            han_before = 0;
        }
    }
}

INLINE Status scan_rows(Scan *s) {
    const uint8_t *end = s->buffer + s->size;
    for (size_t row = 0; row < s->rows; row++) {
        int64_t start = s->offsets[row], stop = s->offsets[row + 1];
        if (start < 0 || stop <= start || (uint64_t)stop > s->size) return BAD_OFFSETS;
        const uint8_t *line = s->buffer + start;
        size_t n = (size_t)(stop - start - 1);  /* without the newline */
        if (s->starts) {
            if (hash_line(s, line, n) != DONE) return NO_MEMORY;
            s->starts[row + 1] = (int64_t)s->hashes.size;
        }
        if (s->sums) {
            Sums sums = {s->table, s->shift, 0, {0}, s->sums + row * LANES, NULL, 0};
            if (s->features & (WORDS | HAN | PAIRS)) add_words(&sums, line, n, end, s->features);
            if (s->features & BYTES) add_grams(&sums, line, n, end);
            flush(&sums);
        }
    }
    return DONE;
}
CLONES(Status, run_scan, scan_rows, Scan)

enum { ROWS_A_BYTE = 6 };  /* a line of n bytes has at most so many features: 4 n-grams, a word and a pair each byte */

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; size_t rows;
    int shift, features;
    int64_t *starts;
    uint32_t *listed; size_t count, capacity;
} Listing;

static Status list_line(Listing *s, const uint8_t *line, size_t n) {
    size_t most = s->count + n * ROWS_A_BYTE;
    if (most > s->capacity) {
        uint32_t *grown = most < SIZE_MAX / 16 ? realloc(s->listed, most * 2 * sizeof *grown) : NULL;
        if (!grown) return NO_MEMORY;
        s->listed = grown;
        s->capacity = most * 2;
    }
    Sums sums = {NULL, s->shift, 0, {0}, NULL, s->listed + s->count, 0};
    const uint8_t *end = s->buffer + s->size;
    if (s->features & (WORDS | HAN | PAIRS)) add_words(&sums, line, n, end, s->features);
    if (s->features & BYTES) add_grams(&sums, line, n, end);
    s->count += sums.listed;
    return DONE;
}

static Status list_lines(Listing *s) {
    for (size_t row = 0; row < s->rows; row++) {
        int64_t start = s->offsets[row], stop = s->offsets[row + 1];
        if (start < 0 || stop <= start || (uint64_t)stop > s->size) return BAD_OFFSETS;
        Status status = list_line(s, s->buffer + start, (size_t)(stop - start - 1));
        if (status != DONE) return status;
        s->starts[row + 1] = (int64_t)s->count;
    }
    return DONE;
}

/* ------------------------------------------------------------------------------------------------ siphash */

#define TURN(x, b) ((x) << (b) | (x) >> (64 - (b)))

typedef struct { const uint8_t *keys; size_t key_count; const uint64_t *words; size_t count; uint64_t *out; } Sip;

INLINE void sip_rounds(uint64_t v[4], int rounds) {
    for (; rounds; rounds--) {
        v[0] += v[1]; v[1] = TURN(v[1], 13) ^ v[0]; v[0] = TURN(v[0], 32);
        v[2] += v[3]; v[3] = TURN(v[3], 16) ^ v[2];
        v[0] += v[3]; v[3] = TURN(v[3], 21) ^ v[0];
        v[2] += v[1]; v[1] = TURN(v[1], 17) ^ v[2]; v[2] = TURN(v[2], 32);
    }
}

/* SipHash-2-4 of a message of 8 bytes: one block, and the block that holds the length. */
INLINE uint64_t sip(uint64_t k0, uint64_t k1, uint64_t word) {
    uint64_t v[4] = {k0 ^ 0x736F6D6570736575ULL, k1 ^ 0x646F72616E646F6DULL, k0 ^ 0x6C7967656E657261ULL,
                     k1 ^ 0x7465646279746573ULL};
    const uint64_t blocks[2] = {word, 8ULL << 56};
    for (int i = 0; i < 2; i++) {
        v[3] ^= blocks[i];
        sip_rounds(v, 2);
        v[0] ^= blocks[i];
    }
    v[2] ^= 0xFF;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

INLINE Status sip_all(Sip *s) {
    for (size_t key = 0; key < s->key_count; key++) {
        uint64_t k0 = load64(s->keys + 16 * key), k1 = load64(s->keys + 16 * key + 8);
        uint64_t *restrict out = s->out + key * s->count;
        for (size_t i = 0; i < s->count; i++) out[i] = sip(k0, k1, s->words[i]);
    }
    return DONE;
}
CLONES(Status, run_sip, sip_all, Sip)

/* ------------------------------------------------------------------------------------------------ probe */

typedef struct {
    const uint64_t *keys; const uint32_t *values; size_t slots; int shift;
    const uint32_t *starts; size_t lists;
    const uint32_t *postings; size_t posted;
    const uint8_t *need; size_t alarms;
    const uint64_t *hashes; size_t count;
    const int64_t *offsets; size_t rows;
    size_t most;                           /* a hash votes for the first so many of its alarms */
    List votes, spare, found;              /* found: row, alarm, hits; three items each */
    size_t row;
} Probe;

/* Collect the alarms that a row's hashes vote for. */
static Status collect(Probe *p, size_t first, size_t last) {
    enum { AHEAD = 8 };
    p->votes.size = 0;
    for (size_t i = first; i < last; i++) {
        if (i + AHEAD < p->count && p->hashes[i + AHEAD]) __builtin_prefetch(&p->keys[p->hashes[i + AHEAD] >> p->shift]);
        uint64_t hash = p->hashes[i];
        if (!hash) continue;
        size_t at = (size_t)(hash >> p->shift), steps = 0;
        while (p->keys[at] && p->keys[at] != hash && ++steps < p->slots) at = (at + 1) & (p->slots - 1);
        if (p->keys[at] != hash) continue;
        size_t list = p->values[at];
        if (list >= p->lists) return BAD_ALARM_TABLE;
        size_t begin = p->starts[list], end = p->starts[list + 1];
        if (begin > end || end > p->posted) return BAD_ALARM_TABLE;
        if (end - begin > p->most) end = begin + p->most;
        if (!reserve(&p->votes, end - begin)) return NO_MEMORY;
        for (; begin < end; begin++) p->votes.item[p->votes.size++] = p->postings[begin];
    }
    return DONE;
}

static Status count_votes(Probe *p) {
    size_t n = p->votes.size, run;
    uint64_t *vote = p->votes.item;
    p->spare.size = 0;
    if (!reserve(&p->spare, n)) return NO_MEMORY;
    sort_hashes(vote, n, p->spare.item);
    for (size_t i = 0; i < n; i += run) {
        for (run = 1; i + run < n && vote[i + run] == vote[i];) run++;
        if (vote[i] >= p->alarms) return BAD_ALARM_TABLE;
        if (run < p->need[vote[i]]) continue;
        if (!reserve(&p->found, 3)) return NO_MEMORY;
        uint64_t *found = p->found.item + p->found.size;
        found[0] = p->row; found[1] = vote[i]; found[2] = run;
        p->found.size += 3;
    }
    return DONE;
}

static Status probe_rows(Probe *p) {
    for (p->row = 0; p->row < p->rows; p->row++) {
        int64_t start = p->offsets[p->row], stop = p->offsets[p->row + 1];
        if (start < 0 || stop < start || (uint64_t)stop > p->count) return BAD_OFFSETS;
        Status status = collect(p, (size_t)start, (size_t)stop);
        if (status == DONE && p->votes.size) status = count_votes(p);
        if (status != DONE) return status;
    }
    return DONE;
}

/* ------------------------------------------------------------------------------------------------ Python */

static PyObject *fail(Status status, size_t row) {
    if (status == NO_MEMORY) return PyErr_NoMemory();
    static const char *const what[] = {[BAD_OFFSETS] = "offsets leave the buffer or do not rise",
        [BAD_UTF8] = "text is not UTF-8", [BAD_FOLD_TABLE] = "fold table is unsound",
        [BAD_ALARM_TABLE] = "alarm table is unsound"};
    return PyErr_Format(PyExc_ValueError, "%s at row %zu", what[status], row);
}

/* Say whether a buffer holds whole, aligned items, and at least so many. */
static int holds(const Py_buffer *view, size_t item, size_t least, const char *name) {
    if (view->len % (Py_ssize_t)item == 0 && (size_t)view->len / item >= least &&
        (!view->len || (uintptr_t)view->buf % item == 0)) return 1;
    PyErr_Format(PyExc_ValueError, "%s: %zd bytes are not %zu or more aligned items of %zu", name, view->len, least, item);
    return 0;
}

static void release(Py_buffer *views, int count) {
    for (int i = 0; i < count; i++) PyBuffer_Release(&views[i]);
}

static PyObject *new_bytes(size_t count, size_t item) {
    if (count > (size_t)PY_SSIZE_T_MAX / item) return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * item));
    if (bytes) memset(PyBytes_AsString(bytes), 0, count * item);
    return bytes;
}

/* Make room for the lines: an eighth more than the text at first, then twice as much. */
static int grow(Fold *f) {
    size_t capacity = f->out ? f->capacity * 2 : f->data_size + f->data_size / 8 + f->rows + ROOM;
    uint8_t *base = capacity < SIZE_MAX / 4 ? realloc(f->out ? f->out - MARGIN : NULL, MARGIN + capacity) : NULL;
    if (!base) return 0;
    memset(base, 0, MARGIN);
    f->out = base + MARGIN;
    f->capacity = capacity;
    return 1;
}

static int fold_views_hold(const Py_buffer *v) {
    return holds(&v[1], 4, 1, "offsets") && holds(&v[2], 2, PLANES_PAGES, "pages") && holds(&v[3], 4, 256, "entries") &&
           holds(&v[4], 1, 0, "pool");
}

PyDoc_STRVAR(fold_join_doc, "fold_join(data, offsets, pages, entries, pool, avx2) -> (buffer, starts, flags)");
static PyObject *fold_join(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[5];
    int avx2;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*p", &v[0], &v[1], &v[2], &v[3], &v[4], &avx2)) return NULL;
    PyObject *buffer = NULL, *starts = NULL, *flags = NULL, *result = NULL;
    if (!fold_views_hold(v)) goto out;
    size_t rows = (size_t)v[1].len / 4 - 1, text = (size_t)v[0].len;
    Fold f = {.data = v[0].buf, .data_size = text, .offsets = v[1].buf, .rows = rows, .page = v[2].buf,
              .pages = (size_t)v[3].len / 1024, .entry = v[3].buf, .pool = v[4].buf, .pool_size = (size_t)v[4].len};
    if (!fold_table_is_sound(&f)) { fail(BAD_FOLD_TABLE, 0); goto out; }
    starts = new_bytes(rows + 1, 8);
    flags = new_bytes(rows, 1);
    if (!starts || !flags) goto out;
    f.starts = (int64_t *)PyBytes_AsString(starts);
    f.flags = (uint8_t *)PyBytes_AsString(flags);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    do status = grow(&f) ? run_fold(&f, avx2 && cpu_has_avx2()) : NO_MEMORY;
    while (status == SHORT);
    Py_END_ALLOW_THREADS
    if (status == DONE) buffer = PyBytes_FromStringAndSize((const char *)f.out, (Py_ssize_t)f.used);
    else fail(status, f.row);
    if (f.out) free(f.out - MARGIN);
    if (buffer) result = PyTuple_Pack(3, buffer, starts, flags);
out:
    release(v, 5);
    Py_XDECREF(buffer);
    Py_XDECREF(starts);
    Py_XDECREF(flags);
    return result;
}

PyDoc_STRVAR(scan_lines_doc, "scan_lines(buffer, offsets, kept, table, features, avx2) -> (starts, hashes, sums)");
static PyObject *scan_lines(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[3];
    Py_ssize_t kept;
    int features, avx2;
    if (!PyArg_ParseTuple(args, "y*y*ny*ip", &v[0], &v[1], &kept, &v[2], &features, &avx2)) return NULL;
    PyObject *starts = NULL, *sums = NULL, *hashes = NULL, *result = NULL;
    if (!holds(&v[1], 8, 1, "offsets") || !holds(&v[2], LANES, 0, "table")) goto out;
    size_t slots = (size_t)v[2].len / LANES;
    if (slots & (slots - 1) || slots == 1) { PyErr_Format(PyExc_ValueError, "table: %zu rows", slots); goto out; }
    Scan s = {.buffer = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 8 - 1,
              .kept = kept, .table = v[2].buf, .shift = 64, .features = features};
    for (; slots > 1; slots /= 2) s.shift--;
    starts = new_bytes(kept ? s.rows + 1 : 0, 8);
    sums = new_bytes(v[2].len ? s.rows : 0, LANES * 4);
    if (!starts || !sums) goto out;
    if (kept) s.starts = (int64_t *)PyBytes_AsString(starts);
    if (v[2].len) s.sums = (int32_t *)PyBytes_AsString(sums);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = run_scan(&s, avx2 && cpu_has_avx2());
    Py_END_ALLOW_THREADS
    if (status == DONE)
        hashes = PyBytes_FromStringAndSize((const char *)s.hashes.item, (Py_ssize_t)(s.hashes.size * 8));
    else fail(status, 0);
    free(s.hashes.item);
    free(s.spare.item);
    if (hashes) result = PyTuple_Pack(3, starts, hashes, sums);
out:
    release(v, 3);
    Py_XDECREF(starts);
    Py_XDECREF(hashes);
    Py_XDECREF(sums);
    return result;
}

PyDoc_STRVAR(list_rows_doc, "list_rows(buffer, offsets, bits, features) -> (starts, rows)");
static PyObject *list_rows(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int bits, features;
    if (!PyArg_ParseTuple(args, "y*y*ii", &v[0], &v[1], &bits, &features)) return NULL;
    PyObject *starts = NULL, *listed = NULL, *result = NULL;
    if (bits < 1 || bits > 32) { PyErr_Format(PyExc_ValueError, "bits: %d is not 1 to 32", bits); goto out; }
    if (!holds(&v[1], 8, 1, "offsets")) goto out;
    Listing s = {.buffer = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 8 - 1,
                 .shift = 64 - bits, .features = features};
    if (!(starts = new_bytes(s.rows + 1, 8))) goto out;
    s.starts = (int64_t *)PyBytes_AsString(starts);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = list_lines(&s);
    Py_END_ALLOW_THREADS
    if (status == DONE) listed = PyBytes_FromStringAndSize((const char *)s.listed, (Py_ssize_t)(s.count * 4));
    else fail(status, 0);
    free(s.listed);
    if (listed) result = PyTuple_Pack(2, starts, listed);
out:
    release(v, 2);
    Py_XDECREF(starts);
    Py_XDECREF(listed);
    return result;
}

PyDoc_STRVAR(siphash_doc, "siphash(keys, words, avx2) -> one row of hashes a key");
static PyObject *siphash(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int avx2;
    if (!PyArg_ParseTuple(args, "y*y*p", &v[0], &v[1], &avx2)) return NULL;
    PyObject *out = NULL;
    Sip s = {.keys = v[0].buf, .key_count = (size_t)v[0].len / 16, .words = v[1].buf, .count = (size_t)v[1].len / 8};
    if (v[0].len % 16) PyErr_Format(PyExc_ValueError, "keys: %zd bytes are no whole keys of 16", v[0].len);
    else if (holds(&v[1], 8, 0, "words") && (s.key_count < 2 || s.count < SIZE_MAX / 16 / s.key_count) &&
             (out = new_bytes(s.key_count * s.count, 8))) {
        s.out = (uint64_t *)PyBytes_AsString(out);
        Py_BEGIN_ALLOW_THREADS
        run_sip(&s, avx2 && cpu_has_avx2());
        Py_END_ALLOW_THREADS
    } else if (!PyErr_Occurred()) PyErr_NoMemory();
    release(v, 2);
    return out;
}

static int probe_views_hold(const Py_buffer *v) {
    size_t slots = (size_t)v[0].len / 8;
    if (!holds(&v[0], 8, 2, "keys") || !holds(&v[1], 4, slots, "values") || !holds(&v[2], 4, 1, "starts") ||
        !holds(&v[3], 4, 0, "postings") || !holds(&v[4], 1, 0, "need") || !holds(&v[5], 8, 0, "hashes") ||
        !holds(&v[6], 8, 1, "offsets")) return 0;
    if (slots & (slots - 1)) PyErr_Format(PyExc_ValueError, "keys: %zu slots are no power of two", slots);
    return !(slots & (slots - 1));
}

PyDoc_STRVAR(probe_vote_doc,
             "probe_vote(keys, values, starts, postings, need, hashes, offsets, most) -> (row, alarm, hits) triples");
static PyObject *probe_vote(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[7];
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &most)) return NULL;
    PyObject *found = NULL;
    if (probe_views_hold(v)) {
        Probe p = {.keys = v[0].buf, .slots = (size_t)v[0].len / 8, .values = v[1].buf, .shift = 64, .starts = v[2].buf,
                   .lists = (size_t)v[2].len / 4 - 1, .postings = v[3].buf, .posted = (size_t)v[3].len / 4,
                   .need = v[4].buf, .alarms = (size_t)v[4].len, .hashes = v[5].buf, .count = (size_t)v[5].len / 8,
                   .offsets = v[6].buf, .rows = (size_t)v[6].len / 8 - 1, .most = most < 0 ? 0 : (size_t)most};
        for (size_t slots = p.slots; slots > 1; slots /= 2) p.shift--;
        Status status;
        Py_BEGIN_ALLOW_THREADS
        status = probe_rows(&p);
        Py_END_ALLOW_THREADS
        if (status == DONE) found = PyBytes_FromStringAndSize((const char *)p.found.item, (Py_ssize_t)(p.found.size * 8));
        else fail(status, p.row);
        free(p.votes.item);
        free(p.spare.item);
        free(p.found.item);
    }
    release(v, 7);
    return found;
}

PyDoc_STRVAR(has_avx2_doc, "has_avx2() -> whether this processor runs the AVX2 clones");
static PyObject *has_avx2(PyObject *module, PyObject *args) {
    (void)module;
    (void)args;
    return PyBool_FromLong(cpu_has_avx2());
}

static PyMethodDef methods[] = {
    {"fold_join", fold_join, METH_VARARGS, fold_join_doc},
    {"scan_lines", scan_lines, METH_VARARGS, scan_lines_doc},
    {"list_rows", list_rows, METH_VARARGS, list_rows_doc},
    {"siphash", siphash, METH_VARARGS, siphash_doc},
    {"probe_vote", probe_vote, METH_VARARGS, probe_vote_doc},
    {"has_avx2", has_avx2, METH_NOARGS, has_avx2_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "tocsin.text._kernels", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&definition); }
