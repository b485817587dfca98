/* Count the characters of every line, and those that a leading byte of E4 to E9 tells as Han. The reference: script.py. */
#include "lanes.h"

typedef struct { const uint8_t *buffer; size_t size; const int64_t *offsets; size_t rows; int32_t *han, *chars; } Count;

INLINE void count_line(const uint8_t *p, size_t n, int32_t *han, int32_t *chars) {
    size_t i = 0;
    int32_t leads = 0, starts = 0;
    for (; i + 16 <= n; i += 16) {
        Lanes c = lanes_at(p + i);
        leads += __builtin_popcount(bits16(within(c, 0xE4, 6)));
        starts += __builtin_popcount(bits16(~within(c, 0x80, 0x40)));
    }
    for (; i < n; i++) {
        leads += (uint8_t)(p[i] - 0xE4) < 6;
        starts += (p[i] & 0xC0) != 0x80;
    }
    *han = leads;
    *chars = starts;
}

INLINE Status count_lines(Count *c) {
    for (size_t row = 0; row < c->rows; row++) {
        int64_t start = c->offsets[row], stop = c->offsets[row + 1];
        if (start < 0 || stop < start || (uint64_t)stop > c->size) return BAD_OFFSETS;
        count_line(c->buffer + start, (size_t)(stop - start), &c->han[row], &c->chars[row]);
    }
    return DONE;
}
CLONES(Status, run_count, count_lines, Count)

PyObject *count_scripts(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int avx2;
    if (!PyArg_ParseTuple(args, "y*y*p", &v[0], &v[1], &avx2)) return NULL;
    PyObject *han = NULL, *chars = NULL, *result = NULL;
    if (!holds(&v[1], 8, 1, "offsets")) goto out;
    Count c = {.buffer = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 8 - 1};
    han = new_bytes(c.rows, 4);
    chars = new_bytes(c.rows, 4);
    if (!han || !chars) goto out;
    c.han = (int32_t *)PyBytes_AsString(han);
    c.chars = (int32_t *)PyBytes_AsString(chars);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = run_count(&c, avx2 && cpu_has_avx2());
    Py_END_ALLOW_THREADS
    if (status != DONE) fail(status, 0);
    else result = PyTuple_Pack(2, han, chars);
out:
    release(v, 2);
    Py_XDECREF(han);
    Py_XDECREF(chars);
    return result;
}
