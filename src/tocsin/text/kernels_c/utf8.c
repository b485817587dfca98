/* Say whether strings are UTF-8, by their bytes as a whole and by where each begins. The reference: utf8.py. */
#include "kernels.h"

typedef struct { const uint8_t *data; size_t size; const int32_t *offsets; size_t rows; int sound; } Strings;

/* Say what is wrong with a byte behind three others: it goes on where it must not, or the other way round; it is in no
 * UTF-8; or it follows a leading byte too low or too high (The Unicode Standard, table 3-7). */
INLINE uint8_t wrong(uint8_t third, uint8_t second, uint8_t last, uint8_t byte) {
    uint8_t goes_on = (byte & 0xC0) == 0x80, must = (last >= 0xC0) | (second >= 0xE0) | (third >= 0xF0);
    return (uint8_t)((goes_on ^ must) | (byte >= 0xF5) | ((byte & 0xFE) == 0xC0) | ((last == 0xE0) & (byte < 0xA0)) |
                     ((last == 0xED) & (byte >= 0xA0)) | ((last == 0xF0) & (byte < 0x90)) | ((last == 0xF4) & (byte >= 0x90)));
}

INLINE int is_utf8(const uint8_t *p, size_t n) {
    enum { BLOCK = 128 };
    uint8_t edges[9] = {0}, bad = 0;  /* the first bytes behind none, and none behind the last */
    size_t few = n < 3 ? n : 3, i = few;
    memcpy(edges + 3, p, few);
    for (size_t at = 3; at < 3 + few; at++) bad |= wrong(edges[at - 3], edges[at - 2], edges[at - 1], edges[at]);
    memset(edges, 0, sizeof edges);
    memcpy(edges + 3 - few, p + n - few, few);
    bad |= (edges[2] >= 0xC0) | (edges[1] >= 0xE0) | (edges[0] >= 0xF0);
    for (; !bad && i + BLOCK <= n; i += BLOCK) {
        uint8_t any = 0;
        for (size_t j = i - 3; j < i + BLOCK; j++) any |= p[j];
        if (any < 0x80) continue;  /* ASCII alone */
        for (size_t j = i; j < i + BLOCK; j++) bad |= wrong(p[j - 3], p[j - 2], p[j - 1], p[j]);
    }
    for (; !bad && i < n; i++) bad |= wrong(p[i - 3], p[i - 2], p[i - 1], p[i]);
    return !bad;
}

INLINE Status check_strings(Strings *s) {
    size_t first = (size_t)s->offsets[0], stop = (size_t)s->offsets[s->rows];
    int split = 0;
    for (size_t row = 0; row <= s->rows; row++) {
        int64_t at = s->offsets[row];
        if (at < (row ? s->offsets[row - 1] : 0) || (uint64_t)at > s->size) return BAD_OFFSETS;
        split |= (size_t)at < stop && (s->data[at] & 0xC0) == 0x80;
    }
    s->sound = !split && is_utf8(s->data + first, stop - first);
    return DONE;
}
CLONES(Status, run_check, check_strings, Strings)

PyObject *are_utf8(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int avx2;
    if (!PyArg_ParseTuple(args, "y*y*p", &v[0], &v[1], &avx2)) return NULL;
    PyObject *result = NULL;
    if (!holds(&v[1], 4, 1, "offsets")) goto out;
    Strings s = {.data = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .rows = (size_t)v[1].len / 4 - 1};
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = run_check(&s, avx2 && cpu_has_avx2());
    Py_END_ALLOW_THREADS
    result = status == DONE ? PyBool_FromLong(s.sound) : fail(status, 0);
out:
    release(v, 2);
    return result;
}
