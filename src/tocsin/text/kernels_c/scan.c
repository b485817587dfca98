/* Sample the hashes of windows and add up class sums, line by line, in one pass. The references: windows.py, classes.py. */
#include "row_flags.h"
#include "wide.h"

#define SAMPLED (1ULL << 60)
#define LANES 16
#define MOST_SLOTS (1U << 28)  /* of a table, whose bytes 32 bits can count */

enum { WANT_HASHES = 1, WANT_SUMS = 2 };  /* what may be asked of a line */

enum { WORDS = 1, HAN = 2, BYTES = 4, PAIRS = 8 };  /* features of the class sums, see classes.py */

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; size_t rows;
    Py_ssize_t kept;                       /* the smallest so many hashes of a line; 0: none; below 0: all */
    const uint8_t *asked;                  /* what is wanted of each line, or NULL: all of all */
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

#ifdef HAS_AVX2_CLONES
/* Do what `sample` does for as many windows of a line as go eight by eight; say how many. */
AVX512_CALL static size_t sample_eights(uint64_t *out, size_t *found, const uint8_t *p, size_t stop, const uint8_t *end) {
    size_t j = 0, kept = 0;
    for (; j + WIDE <= stop && (size_t)(end - p) >= j + WIDE_READS; j += WIDE) kept += sample_wide(out + kept, p + j, SAMPLED);
    *found = kept;
    return j;
}

/* Do what sort_hashes does; up to 7 numbers behind the last are read. */
AVX512_CALL static void sort_eights(uint64_t *a, size_t n, uint64_t *spare) {
    enum { RUN = 64 };
    for (size_t lo = 0; lo < n; lo += RUN) {
        size_t size = n - lo < RUN ? n - lo : RUN;
        memcpy(spare, a + lo, size * sizeof *a);
        rank_wide(a + lo, spare, size);
    }
    merge_runs(a, n, spare, RUN);
}
#else
static size_t sample_eights(uint64_t *out, size_t *found, const uint8_t *p, size_t stop, const uint8_t *end) {
    (void)out, (void)found, (void)p, (void)stop, (void)end;
    return 0;
}
static void sort_eights(uint64_t *a, size_t n, uint64_t *spare) { sort_hashes(a, n, spare); }
#endif

/* Append every sampled hash of a line's windows, in the order of the text. */
INLINE int sample(List *list, const uint8_t *line, size_t n, const uint8_t *end, const int wide) {
    if (n < WINDOW) return 1;
    enum { STEP = 1024, SPARE = 8 };
    for (size_t i = 0, count = n - WINDOW + 1; i < count; i += STEP) {
        if (!reserve(list, STEP + SPARE)) return 0;
        uint64_t *out = list->item + list->size;
        size_t found = 0, j = 0, stop = count - i < STEP ? count - i : STEP;
        if (wide) j = sample_eights(out, &found, line + i, stop, end);
        for (; j < stop; j++) {
            uint64_t h = hash_window(line + i + j);
            out[found] = h;
            found += h < SAMPLED;
        }
        list->size += found;
    }
    return 1;
}

INLINE Status hash_line(Scan *s, const uint8_t *line, size_t n, const int wide) {
    size_t first = s->hashes.size;
    if (!sample(&s->hashes, line, n, s->buffer + s->size, wide)) return NO_MEMORY;
    size_t found = s->hashes.size - first;
    s->spare.size = 0;
    if (!reserve(&s->spare, found + WIDE)) return NO_MEMORY;
    if (wide) sort_eights(s->hashes.item + first, found, s->spare.item);
    else sort_hashes(s->hashes.item + first, found, s->spare.item);
    found = drop_repeats(s->hashes.item + first, found);
    if (s->kept > 0 && found > (size_t)s->kept) found = (size_t)s->kept;
    s->hashes.size = first + found;
    return DONE;
}

typedef int8_t Weights __attribute__((vector_size(16)));
typedef int16_t Sums16 __attribute__((vector_size(32)));

/* Features, of which a few are gathered before the table rows that they name are added up or listed. */
typedef struct {
    const int8_t *table; int shift;
    _Alignas(64) uint64_t named[MOST_NAMED + STEP_NAMED]; size_t count;
    int32_t *far; uint32_t *rows; size_t listed;
} Sums;

INLINE uint32_t row_of(uint64_t feature, int shift) {
    uint64_t h = feature * MIX_A;
    h = (h ^ h >> 32) * MIX_C;
    return (uint32_t)(h >> shift);
}

INLINE void add_row(Sums16 *near, const Sums *s, uint64_t feature) {
    Weights w;
    memcpy(&w, s->table + (size_t)row_of(feature, s->shift) * LANES, LANES);
    *near += __builtin_convertvector(w, Sums16);
}

INLINE void add_rows(Sums *s) {
    Sums16 even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 1 < s->count; i += 2) {
        add_row(&even, s, s->named[i]);
        add_row(&odd, s, s->named[i + 1]);
    }
    if (i < s->count) add_row(&even, s, s->named[i]);
    for (int k = 0; k < LANES; k++) s->far[k] += (int32_t)even[k] + odd[k];
}

#ifdef HAS_AVX2_CLONES
AVX512_CALL static void add_rows_eights(Sums *s) { add_rows_wide(s->far, s->table, s->named, s->count, s->shift); }
#else
static void add_rows_eights(Sums *s) { add_rows(s); }
#endif

/* Add up the weights of the rows named so far; without a table list them. */
INLINE void drain(Sums *s, const int wide) {
    if (!s->table)
        for (size_t i = 0; i < s->count; i++) s->rows[s->listed++] = row_of(s->named[i], s->shift);
    else if (wide) add_rows_eights(s);
    else add_rows(s);
    s->count = 0;
}

INLINE void drain_full(Sums *s, const int wide) {
    if (s->count >= MOST_NAMED - STEP_NAMED) drain(s, wide);
}

INLINE uint64_t feature(uint64_t tag, uint64_t value) { return value ^ tag << 56; }
INLINE void name(Sums *s, uint64_t tag, uint64_t value) { s->named[s->count++] = feature(tag, value); }

/* Up to 8 bytes as a little-endian number, without a look behind them unless there is room. */
INLINE uint64_t piece(const uint8_t *p, size_t n, const uint8_t *end) {
    if (n >= 8) return load64(p);
    if (end - p >= 8) return load64(p) & ((1ULL << 8 * n) - 1);
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

#ifdef HAS_AVX2_CLONES
/* Do what `add_grams` does for as many places of a line as go eight by eight; say how many. */
AVX512_CALL static size_t add_gram_eights(Sums *s, const uint8_t *line, size_t n, const uint8_t *end) {
    size_t i = 0;
    for (; i + WIDE + 5 <= n && (size_t)(end - line) >= i + WIDE_READS; i += WIDE, s->count += 4 * WIDE) {
        drain_full(s, 1);
        name_grams_wide(s->named + s->count, line + i);
    }
    return i;
}
#else
static size_t add_gram_eights(Sums *s, const uint8_t *line, size_t n, const uint8_t *end) {
    (void)s, (void)line, (void)n, (void)end;
    return 0;
}
#endif

/* Name the n-grams of a line. Where their order does not matter, eight places may be looked at together. */
INLINE void add_grams(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, const int wide) {
    size_t i = wide ? add_gram_eights(s, line, n, end) : 0;
    for (; i + 8 <= n; i++) {
        drain_full(s, wide);
        uint64_t v = load64(line + i);
        for (size_t size = 3; size <= 6; size++) name(s, size, v & ((1ULL << 8 * size) - 1));
    }
    for (; i + 3 <= n; i++) {
        uint64_t v = piece(line + i, n - i < 6 ? n - i : 6, end);
        drain_full(s, wide);
        for (size_t size = 3; size <= 6 && i + size <= n; size++) name(s, size, v & ((1ULL << 8 * size) - 1));
    }
}

typedef struct { uint64_t word, han; int features; } Before;  /* the word and the Han character before */

INLINE void add_word(Sums *s, Before *b, const uint8_t *p, size_t n, const uint8_t *end) {
    uint64_t word = 0;
    for (size_t i = 0; i < n; i += 8) word = (word ^ piece(p + i, n - i, end)) * MIX_B;
    if (b->features & WORDS) name(s, 7, word);
    if (b->features & PAIRS && b->word) name(s, 8, b->word * MIX_C ^ word);
    b->word = word;
    b->han = 0;
}

INLINE void add_han(Sums *s, Before *b, const uint8_t *p, const uint8_t *end) {
    uint64_t han = piece(p, 3, end);
    if (b->features & HAN) {
        name(s, 1, han);
        if (b->han) name(s, 2, b->han | han << 24);
    }
    b->han = han;
}

/* Name the words and Han characters of a view of 64 bytes; say how far it was used. A word that reaches behind the view
 * is left to the next one, which begins with it; or read to its end, where it fills this one. */
INLINE size_t add_view(Sums *s, Before *b, const uint8_t *p, size_t n, const uint8_t *end, const int wide) {
    uint8_t copy[VIEW + 1];
    const uint8_t *seen = end - p > VIEW ? p : memcpy(memset(copy, 0, sizeof copy), p, n < VIEW ? n : VIEW);
    uint64_t inside = first_bits(n), letters = letter_bits(seen) & inside, hans = han_bits(seen) & inside;
    size_t at = 0;
    while (at < VIEW) {
        uint64_t rest = (letters | hans) >> at;
        if (!rest) { b->han = 0; return n < VIEW ? n : VIEW; }
        int gap = __builtin_ctzll(rest);
        if (gap) b->han = 0;
        at += (size_t)gap;
        drain_full(s, wide);
        if (letters >> at & 1) {
            uint64_t others = ~(letters >> at);
            size_t size = others ? (size_t)__builtin_ctzll(others) : VIEW;
            if (at + size >= VIEW && n > VIEW && at) return at;
            if (at + size >= VIEW)
                for (size = VIEW - at; at + size < n && is_letter(p[at + size]);) size++;
            add_word(s, b, p + at, size, end);
            at += size;
        } else if (n - at >= 3) {
            add_han(s, b, p + at, end);
            at += 3;
        } else {
            b->han = 0;
            at++;
        }
    }
    return at;
}

INLINE void add_view_words(Sums *s, Before *b, const uint8_t *p, uint64_t letters) {
    uint64_t *named = s->named + s->count, starts = letters & ~(letters << 1), ends = ~letters & letters << 1, word;
    for (; starts; starts &= starts - 1, ends &= ends - 1, b->word = word) {
        size_t at = (size_t)__builtin_ctzll(starts), size = (ends ? (size_t)__builtin_ctzll(ends) : VIEW) - at;
        word = (load64(p + at) & first_bits(8 * size)) * MIX_B;
        for (size_t i = 8; i < size; i += 8) word = (word ^ (load64(p + at + i) & first_bits(8 * (size - i)))) * MIX_B;
        *named = feature(7, word);
        named += (b->features & WORDS) != 0;
        *named = feature(8, b->word * MIX_C ^ word);
        named += (b->features & PAIRS) && b->word;
    }
    s->count = (size_t)(named - s->named);
}

INLINE void add_view_hans(Sums *s, Before *b, const uint8_t *p, uint64_t hans) {
    uint64_t *named = s->named + s->count, paired = (hans & hans << 3) | (b->han != 0), han;
    for (; hans; hans &= hans - 1, b->han = han) {
        int at = __builtin_ctzll(hans);
        han = load32(p + at) & 0xFFFFFF;
        *named++ = feature(1, han);
        *named = feature(2, b->han | han << 24);
        named += paired >> at & 1;
    }
    s->count = (size_t)(named - s->named);
}

/* Do what add_view does where the order of features does not matter: words, then Han characters. Say 0 for the few views
 * that this is not for: those at the end of the buffer, full of one word, or with what is no UTF-8. */
INLINE size_t add_view_apart(Sums *s, Before *b, const uint8_t *p, size_t n, const uint8_t *end) {
    if (end - p < VIEW + 8 || n < 3) return 0;
    uint64_t letters = letter_bits(p) & first_bits(n), hans = han_bits(p) & first_bits(n - 2);
    size_t used = n < VIEW ? n : VIEW;
    if ((hans << 1 | hans << 2) & (letters | hans) || !~letters) return 0;
    if (n > VIEW && letters >> (VIEW - 1)) used = VIEW - (size_t)__builtin_clzll(~letters);
    add_view_words(s, b, p, letters & first_bits(used));
    if (b->features & HAN) add_view_hans(s, b, p, hans);
    size_t reach = hans ? VIEW + 2 - (size_t)__builtin_clzll(hans) : 0;
    if (reach < used) b->han = 0;
    return reach < used ? used : reach;
}

INLINE void add_words(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, int features, const int wide) {
    Before before = {0, 0, features};
    for (size_t i = 0, used; i < n; i += used) {
        drain_full(s, wide);
        used = s->table ? add_view_apart(s, &before, line + i, n - i, end) : 0;
        if (!used) used = add_view(s, &before, line + i, n - i, end, wide);
    }
}

#ifdef HAS_AVX2_CLONES
/* The same with the bit counting of processors that have AVX-512. */
AVX512_CALL static void add_words_eights(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, int features) {
    add_words(s, line, n, end, features, 1);
}
#else
static void add_words_eights(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, int features) {
    add_words(s, line, n, end, features, 0);
}
#endif

INLINE void add_line(Sums *s, const uint8_t *line, size_t n, const uint8_t *end, int features, const int wide) {
    int words = features & (WORDS | HAN | PAIRS);
    if (words && wide) add_words_eights(s, line, n, end, features);
    else if (words) add_words(s, line, n, end, features, 0);
    if (features & BYTES) add_grams(s, line, n, end, wide);
    drain(s, wide);
}

INLINE Status scan_rows_by(Scan *s, const int wide) {
    const uint8_t *end = s->buffer + s->size;
    Sums sums;
    sums.table = s->table, sums.shift = s->shift, sums.count = 0, sums.rows = NULL;
    for (size_t row = 0; row < s->rows; row++) {
        int64_t start = s->offsets[row], stop = s->offsets[row + 1];
        if (start < 0 || stop <= start || (uint64_t)stop > s->size) return BAD_OFFSETS;
        const uint8_t *line = s->buffer + start;
        size_t n = (size_t)(stop - start - 1);  /* without the newline */
        if (s->starts) {
            if ((!s->asked || s->asked[row] & WANT_HASHES) && hash_line(s, line, n, wide) != DONE) return NO_MEMORY;
            s->starts[row + 1] = (int64_t)s->hashes.size;
        }
        if (s->sums && (!s->asked || s->asked[row] & WANT_SUMS)) {
            sums.far = s->sums + row * LANES;
            add_line(&sums, line, n, end, s->features, wide);
        }
    }
    return DONE;
}
INLINE Status scan_rows(Scan *s) { return scan_rows_by(s, 0); }
CLONES(Status, run_scan_narrow, scan_rows, Scan)

INLINE Status scan_rows_wide(Scan *s) { return scan_rows_by(s, 1); }
CLONES(Status, run_scan_wide, scan_rows_wide, Scan)

/* By what the processor can: 0 the plain clone, 1 that for AVX2, 2 that for AVX-512. */
static Status run_scan(Scan *s, int lanes) {
    int avx2 = lanes && cpu_has_avx2();
    return lanes > 1 && cpu_has_avx512() ? run_scan_wide(s, avx2) : run_scan_narrow(s, avx2);
}

PyObject *scan_lines(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[4];
    Py_ssize_t kept;
    int features, lanes;
    if (!PyArg_ParseTuple(args, "y*y*ny*y*ii", &v[0], &v[1], &kept, &v[3], &v[2], &features, &lanes)) return NULL;
    PyObject *starts = NULL, *sums = NULL, *hashes = NULL, *result = NULL;
    if (!holds(&v[1], 8, 1, "offsets") || !holds(&v[2], LANES, 0, "table")) goto out;
    if (v[3].len && !holds(&v[3], 1, (size_t)v[1].len / 8 - 1, "asked")) goto out;
    size_t slots = (size_t)v[2].len / LANES;
    if (slots & (slots - 1) || slots == 1 || slots > MOST_SLOTS) { PyErr_Format(PyExc_ValueError, "table: %zu rows", slots); goto out; }
    Scan s = {.buffer = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 8 - 1,
              .kept = kept, .asked = v[3].len ? v[3].buf : NULL, .table = v[2].buf, .shift = 64, .features = features};
    for (; slots > 1; slots /= 2) s.shift--;
    starts = new_bytes(kept ? s.rows + 1 : 0, 8);
    sums = new_bytes(v[2].len ? s.rows : 0, LANES * 4);
    if (!starts || !sums) goto out;
    if (kept) s.starts = (int64_t *)PyBytes_AsString(starts);
    if (v[2].len) s.sums = (int32_t *)PyBytes_AsString(sums);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = run_scan(&s, lanes);
    Py_END_ALLOW_THREADS
    if (status == DONE)
        hashes = PyBytes_FromStringAndSize((const char *)s.hashes.item, (Py_ssize_t)(s.hashes.size * 8));
    else fail(status, 0);
    free(s.hashes.item);
    free(s.spare.item);
    if (hashes) result = PyTuple_Pack(3, starts, hashes, sums);
out:
    release(v, 4);
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
    Sums sums;
    sums.table = NULL, sums.shift = s->shift, sums.count = 0, sums.rows = s->listed + s->count, sums.listed = 0;
    add_line(&sums, line, n, s->buffer + s->size, s->features, 0);
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
