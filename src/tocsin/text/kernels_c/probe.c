/* Look hashes up in an alarm table and count votes. The reference: probe.py.
 *
 * The alarm table, four arrays that may be memory-mapped, little-endian:
 *
 *   keys      u64[2^b]   hashes, 0 for an empty slot. A hash h stands in the first slot from h >> (64 - b) on, wrapping
 *                        round, that was empty. At least one slot is empty. The hash 0 is never stored.
 *   values    u32[2^b]   of a filled slot: its hash's number j
 *   starts    u32[m + 1] rising; the alarms that hold hash j are postings[starts[j]] to postings[starts[j + 1] - 1]
 *   postings  u32[]      alarm numbers, each at most once for one hash
 */
#include "kernels.h"

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
    enum { AHEAD = 16 };
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
    sort_votes(vote, n, p->spare.item);
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

static int probe_views_hold(const Py_buffer *v) {
    size_t slots = (size_t)v[0].len / 8;
    if (!holds(&v[0], 8, 2, "keys") || !holds(&v[1], 4, slots, "values") || !holds(&v[2], 4, 1, "starts") ||
        !holds(&v[3], 4, 0, "postings") || !holds(&v[4], 1, 0, "need") || !holds(&v[5], 8, 0, "hashes") ||
        !holds(&v[6], 8, 1, "offsets")) return 0;
    if (slots & (slots - 1)) PyErr_Format(PyExc_ValueError, "keys: %zu slots are no power of two", slots);
    return !(slots & (slots - 1));
}

PyObject *probe_vote(PyObject *module, PyObject *args) {
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
