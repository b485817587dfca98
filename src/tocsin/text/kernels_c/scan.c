/* Sample the hashes of windows and add up class sums, line by line, in one pass. The references: windows.py, classes.py. */
#include "kernels.h"

#define WINDOW 12
#define SAMPLED (1ULL << 60)
#define LANES 16

enum { WORDS = 1, HAN = 2, BYTES = 4, PAIRS = 8 };  /* features of the class sums, see classes.py */

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

PyObject *scan_lines(PyObject *module, PyObject *args) {
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

PyObject *list_rows(PyObject *module, PyObject *args) {
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
