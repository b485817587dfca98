/* Map spans of folded texts back to the originals, by folding a text again as far as its span. The reference: fold.py. */
#include "entries.h"

typedef struct { int64_t row, start, end; } Asked;  /* characters of the folded text, end above start */
typedef struct { int64_t start, end; } Span;        /* code points of the original */

typedef struct {
    const uint8_t *data; size_t data_size;
    const int32_t *offsets; size_t rows;
    const uint16_t *page; size_t pages;
    const uint32_t *entry;
    const uint8_t *pool; size_t pool_size;
    const Asked *asked; size_t count;
    Span *span;
    size_t number;
} Origins;

/* Give the bytes that a code point folds to; NULL where the table is unsound. */
INLINE const uint8_t *folded_to(const Origins *o, const uint8_t *p, uint32_t code, int size, uint8_t held[4], size_t *n) {
    size_t page = o->page[code >> 8];
    if (page >= o->pages) return NULL;
    uint32_t e = o->entry[256 * page + (code & 255)];
    if (e & SELF) { *n = (size_t)size; return p; }
    if (e & POOLED) {
        size_t at = e & LOW24;
        if (at >= o->pool_size || at + o->pool[at] >= o->pool_size) return NULL;
        *n = o->pool[at];
        return o->pool + at + 1;
    }
    memcpy(held, &e, 4);
    *n = SIZE(e);
    return held;
}

/* Count the characters of some bytes, a blank only where none stands before it. */
INLINE int64_t count_chars(const uint8_t *bytes, size_t n, int *blank) {
    int64_t chars = 0;
    for (size_t i = 0; i < n; i++) {
        int is_blank = bytes[i] == ' ';
        chars += (bytes[i] & 0xC0) != 0x80 && !(is_blank & *blank);
        *blank = is_blank;
    }
    return chars;
}

static Status find_origin(const Origins *o, const Asked *asked, Span *span) {
    if (asked->row < 0 || (uint64_t)asked->row >= o->rows || asked->start < 0 || asked->end <= asked->start) return BAD_OFFSETS;
    int64_t start = o->offsets[asked->row], stop = o->offsets[asked->row + 1], chars = 0;
    if (start < 0 || stop < start || (uint64_t)stop > o->data_size) return BAD_OFFSETS;
    const uint8_t *p = o->data + start, *end = o->data + stop;
    int blank = 0;
    *span = (Span){-1, -1};
    for (int64_t place = 0; p < end && chars < asked->end; place++) {
        uint32_t code = 0;
        uint8_t held[4];
        size_t n = 0;
        int size = decode(p, end, &code);
        if (!size) return BAD_UTF8;
        const uint8_t *bytes = folded_to(o, p, code, size, held, &n);
        if (!bytes) return BAD_FOLD_TABLE;
        chars += count_chars(bytes, n, &blank);
        if (chars > asked->start && span->start < 0) span->start = place;
        if (chars >= asked->end) span->end = place + 1;
        p += size;
    }
    return span->end < 0 ? BAD_OFFSETS : DONE;
}

static Status find_origins(Origins *o) {
    for (; o->number < o->count; o->number++) {
        Status status = find_origin(o, &o->asked[o->number], &o->span[o->number]);
        if (status != DONE) return status;
    }
    return DONE;
}

PyObject *original_spans(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[6];
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5])) return NULL;
    PyObject *spans = NULL;
    if (!holds(&v[1], 4, 1, "offsets") || !holds(&v[2], 2, PLANES_PAGES, "pages") || !holds(&v[3], 4, 256, "entries") ||
        !holds(&v[5], 8, 0, "asked")) goto out;
    if ((size_t)v[5].len % sizeof(Asked)) { PyErr_SetString(PyExc_ValueError, "asked: no whole rows"); goto out; }
    size_t count = (size_t)v[5].len / sizeof(Asked);
    if (!(spans = new_bytes(count, sizeof(Span)))) goto out;
    Origins o = {.data = v[0].buf, .data_size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 4 - 1,
                 .page = v[2].buf, .pages = (size_t)v[3].len / 1024, .entry = v[3].buf, .pool = v[4].buf,
                 .pool_size = (size_t)v[4].len, .asked = v[5].buf, .count = count,
                 .span = (Span *)PyBytes_AsString(spans)};
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = find_origins(&o);
    Py_END_ALLOW_THREADS
    if (status != DONE) { fail(status, o.number); Py_DECREF(spans); spans = NULL; }
out:
    release(v, 6);
    return spans;
}
