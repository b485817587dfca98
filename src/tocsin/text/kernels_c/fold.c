/* Fold a batch of UTF-8 texts into newline-joined lines, with offsets and flags. The reference: fold_arrays.py. */
#include "entries.h"
#include "row_flags.h"

enum { IS_ASCII = 1, REMOVED = 2, ALIKE = 4, BASE64 = 8, SPACED = 16 };  /* row flags */

#define BLOCK 32
#define GROUP 4              /* three-byte characters looked at together */
#define ROOM 320             /* more than one step writes: a block, or a pooled string of at most 255 bytes */

typedef struct {
    const uint8_t *data; size_t data_size;
    const int32_t *offsets; size_t rows;
    const uint16_t *page; size_t pages;    /* page[c >> 8] names a block of 256 entries; pages: how many blocks */
    const uint32_t *entry;
    const uint8_t *pool; size_t pool_size;
    uint64_t same[1024];                   /* bit c of the first plane: three bytes that fold to themselves */
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

static void find_same(Fold *f) {
    for (uint32_t c = 0x800; c < 0x10000; c += 64) {
        const uint32_t *entry = f->entry + 256 * (size_t)f->page[c >> 8] + (c & 255);
        uint64_t bits = 0;
        for (int i = 0; i < 64; i++) bits |= (uint64_t)(entry[i] == SELF) << i;
        f->same[c >> 6] = (c & 0xF800) == 0xD800 ? 0 : bits;
    }
}

INLINE int is_blank(uint8_t c) { return ((uint8_t)(c - 9) < 5) | ((uint8_t)(c - 28) < 5); }

/* Fold a block as ASCII, and say where it is none or where what is removed stands; tell its blanks. */
INLINE uint32_t fold_block(const uint8_t *p, uint8_t *out, uint32_t *blanks) {
    uint32_t odd = 0;
    *blanks = 0;
    for (int i = 0; i < BLOCK; i += 16) {
        Lanes c = lanes_at(p + i), blank = within(c, 9, 5) | within(c, 28, 5);
        Lanes folded = ((c | (within(c, 'A', 26) & 32)) & ~blank) | (blank & ' ');
        memcpy(out + i, &folded, 16);
        *blanks |= bits16(blank) << i;
        odd |= bits16(~within(c, 32, 95) & ~blank) << i;
    }
    return odd;
}

/* Count the characters at p, up to a group of three bytes each, that fold to themselves; reads 12 bytes. */
INLINE int count_same(const uint8_t *p, const uint64_t *same) {
    uint64_t head = load64(p), tail = load32(p + 8);
    uint64_t chars[GROUP] = {head, head >> 24, head >> 48 | tail << 16, tail >> 8};
    unsigned good = 0;
    for (int i = 0; i < GROUP; i++) {
        uint64_t c = chars[i], word = same[(c & 15) << 6 | (c >> 8 & 63)];
        good |= (unsigned)(((c & 0xC0C0F0) == 0x8080E0) & (word >> (c >> 16 & 63) & 1)) << i;
    }
    return __builtin_ctz(~good);
}

/* Where a row is read and written; `blank`: the last byte written is one. */
typedef struct { const uint8_t *p, *end; uint8_t *o; uint32_t blank; uint8_t flags; } Pen;

/* Append bytes, and a blank only where none stands before it. */
INLINE void push(Pen *pen, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint32_t blank = bytes[i] == ' ';
        if (blank & pen->blank) continue;
        *pen->o++ = bytes[i];
        pen->blank = blank;
    }
}

/* Write ASCII up to the end of a block or to what cannot be copied, and pass over what falls out there. */
INLINE void write_ascii(Pen *pen, const uint8_t *data_end) {
    uint8_t copy[VIEW];
    size_t n = (size_t)(pen->end - pen->p);
    uint32_t blanks, stops = fold_block(view_at(pen->p, n, data_end, copy), pen->o, &blanks);
    stops |= (blanks & (blanks << 1 | pen->blank)) | (uint32_t)(n < BLOCK) << (n & 31);
    int k = stops ? __builtin_ctz(stops) : BLOCK;
    pen->p += k;
    pen->o += k;
    if (k) pen->blank = blanks >> (k - 1) & 1;
    if (k == BLOCK || pen->p == pen->end || *pen->p >= 0x80) return;
    if (!is_blank(*pen->p)) pen->flags |= REMOVED;
    do pen->p++;
    while (pen->p < pen->end && is_blank(*pen->p) && pen->blank);
}

/* Write three-byte characters as long as they fold to themselves. */
INLINE void write_same(Pen *pen, const uint64_t *same, const uint8_t *brim) {
    for (int k = GROUP; k == GROUP && pen->end - pen->p >= 3 * GROUP && pen->o <= brim;) {
        k = count_same(pen->p, same);
        memcpy(pen->o, pen->p, 3 * GROUP);
        pen->p += 3 * k;
        pen->o += 3 * k;
        if (k) pen->blank = 0;
    }
}

/* Write what one code point of several bytes folds to. */
INLINE Status write_one(const Fold *f, Pen *pen) {
    uint32_t code = 0;
    int size = decode(pen->p, pen->end, &code);
    if (!size) return BAD_UTF8;
    uint32_t e = f->entry[256 * (size_t)f->page[code >> 8] + (code & 255)];
    if (e & SELF) push(pen, pen->p, (size_t)size);
    else if (e & POOLED) {
        size_t at = e & LOW24;
        if (at >= f->pool_size || at + f->pool[at] >= f->pool_size) return BAD_FOLD_TABLE;
        push(pen, f->pool + at + 1, f->pool[at]);
    } else {
        uint8_t held[4] = {(uint8_t)e, (uint8_t)(e >> 8), (uint8_t)(e >> 16), 0};
        push(pen, held, SIZE(e));
        if (!SIZE(e)) pen->flags |= REMOVED;
    }
    if (e & LOOKS_ALIKE) pen->flags |= ALIKE;
    pen->p += size;
    return DONE;
}

INLINE Status fold_row(Fold *f, const uint8_t *p, const uint8_t *end, uint8_t *flags) {
    const uint8_t *brim = f->out + f->capacity - ROOM, *data_end = f->data + f->data_size;
    Pen pen = {p, end, f->out + f->used, 0, IS_ASCII};
    while (pen.p < end) {
        if (pen.o > brim) return SHORT;
        if (*pen.p < 0x80) { write_ascii(&pen, data_end); continue; }
        pen.flags &= (uint8_t)~IS_ASCII;
        write_same(&pen, f->same, brim);
        if (pen.p == end || *pen.p < 0x80 || pen.o > brim) continue;
        Status status = write_one(f, &pen);
        if (status != DONE) return status;
    }
    if (pen.o > brim) return SHORT;
    *pen.o++ = '\n';
    *flags = pen.flags;
    f->used = (size_t)(pen.o - f->out);
    return DONE;
}

INLINE Status fold_rows(Fold *f) {
    for (; f->row < f->rows; f->row++) {
        int64_t start = f->offsets[f->row], stop = f->offsets[f->row + 1];
        if (start < 0 || stop < start || (uint64_t)stop > f->data_size) return BAD_OFFSETS;
        const uint8_t *p = f->data + start;
        size_t line = f->used;
        uint8_t flags = 0;
        Status status = fold_row(f, p, f->data + stop, &flags);
        if (status != DONE) return status;
        if (holds_base64(p, (size_t)(stop - start), f->data + f->data_size)) flags |= BASE64;
        size_t n = f->used - 1 - line;
        if (flags & IS_ASCII ? line_is_spaced(f->out + line, n, 1) : line_is_spaced(f->out + line, n, 0)) flags |= SPACED;
        f->flags[f->row] = flags;
        f->starts[f->row + 1] = (int64_t)f->used;
    }
    return DONE;
}
CLONES(Status, run_fold, fold_rows, Fold)

/* Make room for the lines: an eighth more than the text at first, then twice as much. They are written where Python
 * keeps them, since fresh pages and a copy cost more than the fold. */
static int grow(Fold *f, PyObject **buffer) {
    int64_t text = (int64_t)f->offsets[f->rows] - f->offsets[0];  /* below 0 where the offsets are unsound */
    size_t size = text < 0 || (uint64_t)text > f->data_size ? 0 : (size_t)text;
    size_t capacity = *buffer ? f->capacity * 2 : size + size / 8 + f->rows + ROOM;
    if (capacity > (size_t)PY_SSIZE_T_MAX / 2) return PyErr_NoMemory() != NULL;
    if (!*buffer) *buffer = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)capacity);
    else if (PyByteArray_Resize(*buffer, (Py_ssize_t)capacity) < 0) return 0;
    if (!*buffer) return 0;
    f->out = (uint8_t *)PyByteArray_AsString(*buffer);
    f->capacity = capacity;
    return 1;
}

static int fold_views_hold(const Py_buffer *v) {
    return holds(&v[1], 4, 1, "offsets") && holds(&v[2], 2, PLANES_PAGES, "pages") && holds(&v[3], 4, 256, "entries") &&
           holds(&v[4], 1, 0, "pool");
}

PyObject *fold_join(PyObject *module, PyObject *args) {
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
    find_same(&f);
    starts = new_bytes(rows + 1, 8);
    flags = new_bytes(rows, 1);
    if (!starts || !flags) goto out;
    f.starts = (int64_t *)PyBytes_AsString(starts);
    f.flags = (uint8_t *)PyBytes_AsString(flags);
    Status status = SHORT;
    while (status == SHORT) {
        if (!grow(&f, &buffer)) goto out;
        Py_BEGIN_ALLOW_THREADS
        status = run_fold(&f, avx2 && cpu_has_avx2());
        Py_END_ALLOW_THREADS
    }
    if (status != DONE) fail(status, f.row);
    else if (PyByteArray_Resize(buffer, (Py_ssize_t)f.used) == 0) result = PyTuple_Pack(3, buffer, starts, flags);
out:
    release(v, 5);
    Py_XDECREF(buffer);
    Py_XDECREF(starts);
    Py_XDECREF(flags);
    return result;
}
