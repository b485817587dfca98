/* Find the stretch of a line that holds most of an alarm's windows. The reference: stretch.py. */
#include "kernels.h"

enum { MOST_WINDOWS = 64 };

typedef struct { int64_t line, alarm; } Pair;
typedef struct { int64_t held, first, last; } Stretch;

typedef struct {
    const uint32_t *low; const int64_t *at; size_t windows;  /* of all lines; within a line low ascends */
    const int64_t *starts; size_t lines;
    const uint32_t *wanted; size_t wanting;                   /* of all alarms; within an alarm they ascend */
    const uint32_t *begin; size_t alarms;
    const uint32_t *stretch;
    const Pair *pair; size_t pairs;
    Stretch *out;
    List places, blocks, spare;                              /* places: byte and which of the alarm's windows */
    size_t number;
} Look;

/* The first of the windows from low on, below high, that is not below a value. */
INLINE size_t not_below(const uint32_t *low, size_t from, size_t to, uint32_t value) {
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (low[half] < value) from = half + 1;
        else to = half;
    }
    return from;
}

/* List where the line holds the alarm's windows. */
static Status list_places(Look *l, size_t line, size_t alarm) {
    int64_t from = l->starts[line], to = l->starts[line + 1];
    uint32_t begin = l->begin[alarm], end = l->begin[alarm + 1];
    if (from < 0 || to < from || (uint64_t)to > l->windows) return BAD_OFFSETS;
    if (begin > end || end > l->wanting || end - begin > MOST_WINDOWS) return BAD_ALARM_TABLE;
    l->places.size = 0;
    size_t i = (size_t)from;
    for (uint32_t w = begin; w < end; w++) {
        i = not_below(l->low, w > begin && l->wanted[w] < l->wanted[w - 1] ? (size_t)from : i, (size_t)to, l->wanted[w]);
        for (; i < (size_t)to && l->low[i] == l->wanted[w]; i++) {
            if (l->at[i] < 0 || l->at[i] > INT32_MAX) return BAD_OFFSETS;
            if (!reserve(&l->places, 1)) return NO_MEMORY;
            l->places.item[l->places.size++] = (uint64_t)l->at[i] << 6 | (w - begin);
        }
    }
    return DONE;
}

/* Choose the block with most different windows, the first of equals; each place counts in a block and in the one before. */
static Status choose_block(Look *l, uint64_t half, uint64_t *best, int64_t *most) {
    size_t n = 2 * l->places.size, run;
    l->blocks.size = l->spare.size = 0;
    if (!reserve(&l->blocks, n) || !reserve(&l->spare, n)) return NO_MEMORY;
    for (size_t i = 0; i < l->places.size; i++) {
        uint64_t block = (l->places.item[i] >> 6) / half, which = l->places.item[i] & 63;
        l->blocks.item[2 * i] = block << 6 | which;  /* counted from -1 */
        l->blocks.item[2 * i + 1] = (block + 1) << 6 | which;
    }
    uint64_t *block = l->blocks.item;
    sort_hashes(block, n, l->spare.item);
    *most = 0;
    for (size_t i = 0; i < n; i += run) {
        int64_t held = 0;
        for (run = 0; i + run < n && block[i + run] >> 6 == block[i] >> 6; run++)
            held += !run || block[i + run] != block[i + run - 1];
        if (held > *most) *most = held, *best = block[i] >> 6;
    }
    return DONE;
}

static Status look_at(Look *l, const Pair *pair, Stretch *out) {
    if (pair->line < 0 || (uint64_t)pair->line >= l->lines || pair->alarm < 0 || (uint64_t)pair->alarm >= l->alarms)
        return BAD_OFFSETS;
    *out = (Stretch){0, 0, 0};
    Status status = list_places(l, (size_t)pair->line, (size_t)pair->alarm);
    if (status != DONE || !l->places.size) return status;
    uint64_t width = 2 * (uint64_t)l->stretch[pair->alarm], half = (width < 128 ? 128 : width) / 2, best = 0;
    status = choose_block(l, half, &best, &out->held);
    int found = 0;
    for (size_t i = 0; status == DONE && i < l->places.size; i++) {
        uint64_t at = l->places.item[i] >> 6, block = at / half + 1;
        if (block != best && block != best + 1) continue;
        if (!found || (int64_t)at < out->first) out->first = (int64_t)at;
        if (!found || (int64_t)at > out->last) out->last = (int64_t)at;
        found = 1;
    }
    return status;
}

static Status look_at_all(Look *l) {
    for (; l->number < l->pairs; l->number++) {
        Status status = look_at(l, &l->pair[l->number], &l->out[l->number]);
        if (status != DONE) return status;
    }
    return DONE;
}

PyObject *densest_stretches(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[7];
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6])) return NULL;
    PyObject *out = NULL;
    if (!holds(&v[0], 4, 0, "low") || !holds(&v[1], 8, (size_t)v[0].len / 4, "at") || !holds(&v[2], 8, 1, "starts") ||
        !holds(&v[3], 4, 0, "wanted") || !holds(&v[4], 4, 1, "begin") || !holds(&v[5], 4, (size_t)v[4].len / 4 - 1, "stretch") ||
        !holds(&v[6], 8, 0, "pairs")) goto out;
    if ((size_t)v[6].len % sizeof(Pair)) { PyErr_SetString(PyExc_ValueError, "pairs: no whole rows"); goto out; }
    Look l = {.low = v[0].buf, .at = v[1].buf, .windows = (size_t)v[0].len / 4, .starts = v[2].buf,
              .lines = (size_t)v[2].len / 8 - 1, .wanted = v[3].buf, .wanting = (size_t)v[3].len / 4, .begin = v[4].buf,
              .alarms = (size_t)v[4].len / 4 - 1, .stretch = v[5].buf, .pair = v[6].buf,
              .pairs = (size_t)v[6].len / sizeof(Pair)};
    if (!(out = new_bytes(l.pairs, sizeof(Stretch)))) goto out;
    l.out = (Stretch *)PyBytes_AsString(out);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = look_at_all(&l);
    Py_END_ALLOW_THREADS
    if (status != DONE) { fail(status, l.number); Py_DECREF(out); out = NULL; }
    free(l.places.item);
    free(l.blocks.item);
    free(l.spare.item);
out:
    release(v, 7);
    return out;
}
