/* Find the stretch of a line that holds most of an alarm's windows. The reference: stretch.py. */
#include "siphash.h"

enum { MOST_WINDOWS = 64 };

typedef struct { int64_t line, alarm; } Pair;
typedef struct { int64_t held, first, last; } Stretch;

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; size_t lines;
    uint64_t k0, k1;
    const uint32_t *wanted; size_t wanting;                   /* the windows of all alarms */
    const uint32_t *begin; size_t alarms;
    const uint32_t *stretch;
    const Pair *pair; size_t pairs;
    Stretch *out;
    List window, head;                                        /* of the line looked at, see index_line */
    List places, blocks, spare;                               /* places: byte and which of the alarm's windows */
    size_t number;
} Look;

/* Chain the windows of a line by their lower halves: a head is one more than the last byte where one of the chain begins,
 * a window is its lower half and what its head was before. */
static Status index_line(Look *l, int64_t line) {
    int64_t start = l->offsets[line], stop = l->offsets[line + 1];
    if (start < 0 || stop <= start || (uint64_t)stop > l->size || stop - start > INT32_MAX) return BAD_OFFSETS;
    size_t bytes = (size_t)(stop - start - 1), count = bytes < WINDOW ? 0 : bytes - WINDOW + 1, heads = 64;
    while (heads < 2 * count) heads *= 2;
    l->window.size = l->head.size = 0;
    if (!reserve(&l->window, count) || !reserve(&l->head, heads)) return NO_MEMORY;
    uint64_t *window = l->window.item, *head = memset(l->head.item, 0, heads * sizeof *head);
    for (size_t i = 0; i < count; i++) {
        uint64_t keyed = sip(l->k0, l->k1, hash_window(l->buffer + start + i)), low = keyed ? (uint32_t)keyed : 1;
        window[i] = low << 32 | head[low & (heads - 1)];
        head[low & (heads - 1)] = i + 1;
    }
    l->window.size = count, l->head.size = heads;
    return DONE;
}

/* List where the line holds the alarm's windows. */
static Status list_places(Look *l, size_t alarm) {
    uint32_t begin = l->begin[alarm], end = l->begin[alarm + 1];
    if (begin > end || end > l->wanting || end - begin > MOST_WINDOWS) return BAD_ALARM_TABLE;
    l->places.size = 0;
    for (uint32_t w = begin; w < end; w++)
        for (uint64_t i = l->head.item[l->wanted[w] & (l->head.size - 1)]; i; i = l->window.item[i - 1] & 0xFFFFFFFF) {
            if (l->window.item[i - 1] >> 32 != l->wanted[w]) continue;
            if (!reserve(&l->places, 1)) return NO_MEMORY;
            l->places.item[l->places.size++] = (i - 1) << 6 | (w - begin);
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
    Status status = pair == l->pair || pair[-1].line != pair->line ? index_line(l, pair->line) : DONE;
    if (status == DONE) status = list_places(l, (size_t)pair->alarm);
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
    if (!holds(&v[1], 8, 1, "offsets") || !holds(&v[3], 4, 0, "wanted") || !holds(&v[4], 4, 1, "begin") ||
        !holds(&v[5], 4, (size_t)v[4].len / 4 - 1, "stretch") || !holds(&v[6], 8, 0, "pairs")) goto out;
    if (v[2].len != 16) { PyErr_Format(PyExc_ValueError, "key: %zd bytes are not 16", v[2].len); goto out; }
    if ((size_t)v[6].len % sizeof(Pair)) { PyErr_SetString(PyExc_ValueError, "pairs: no whole rows"); goto out; }
    const uint8_t *key = v[2].buf;
    Look l = {.buffer = v[0].buf, .size = (size_t)v[0].len, .offsets = v[1].buf, .lines = (size_t)v[1].len / 8 - 1,
              .k0 = load64(key), .k1 = load64(key + 8), .wanted = v[3].buf, .wanting = (size_t)v[3].len / 4,
              .begin = v[4].buf, .alarms = (size_t)v[4].len / 4 - 1, .stretch = v[5].buf, .pair = v[6].buf,
              .pairs = (size_t)v[6].len / sizeof(Pair)};
    if (!(out = new_bytes(l.pairs, sizeof(Stretch)))) goto out;
    l.out = (Stretch *)PyBytes_AsString(out);
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = look_at_all(&l);
    Py_END_ALLOW_THREADS
    if (status != DONE) { fail(status, l.number); Py_DECREF(out); out = NULL; }
    free(l.window.item);
    free(l.head.item);
    free(l.places.item);
    free(l.blocks.item);
    free(l.spare.item);
out:
    release(v, 7);
    return out;
}
