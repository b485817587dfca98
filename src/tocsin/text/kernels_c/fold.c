/* Fold a batch of UTF-8 texts into newline-joined lines, with offsets and flags. The reference: fold_arrays.py. */
#include "kernels.h"

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
