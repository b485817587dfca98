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
    List hits, votes, spare, found;        /* hits: see find_slots, find_lists; found: row, alarm, hits; three items each */
    size_t row;
} Probe;

enum { AHEAD = 32 };  /* how far before its use memory is asked for */

/* The slot of a hash, from where it belongs on; the number of slots where it has none. */
INLINE size_t slot_of(const Probe *p, uint64_t hash) {
    size_t at = (size_t)(hash >> p->shift), steps = 0;
    while (p->keys[at] && p->keys[at] != hash && ++steps < p->slots) at = (at + 1) & (p->slots - 1);
    return p->keys[at] == hash ? at : p->slots;
}

/* Find the slots of all hashes that have one: number of the hash, slot. */
static Status find_slots(Probe *p) {
    for (size_t i = 0; i < p->count; i++) {
        if (i + AHEAD < p->count) __builtin_prefetch(&p->keys[p->hashes[i + AHEAD] >> p->shift]);
        size_t at = p->hashes[i] ? slot_of(p, p->hashes[i]) : p->slots;
        if (at == p->slots) continue;
        __builtin_prefetch(&p->values[at]);
        if (!reserve(&p->hits, 2)) return NO_MEMORY;
        p->hits.item[p->hits.size++] = i;
        p->hits.item[p->hits.size++] = at;
    }
    return DONE;
}

/* Put in place of each slot the list that it names, as its begin and its end, and ask for the alarms there. */
static Status find_lists(Probe *p) {
    uint64_t *hit = p->hits.item;
    for (size_t i = 1; i < p->hits.size; i += 2) {
        hit[i] = p->values[hit[i]];
        if (hit[i] >= p->lists) return BAD_ALARM_TABLE;
        __builtin_prefetch(&p->starts[hit[i]]);
    }
    for (size_t i = 1; i < p->hits.size; i += 2) {
        uint64_t begin = p->starts[hit[i]], end = p->starts[hit[i] + 1];
        if (begin > end || end > p->posted) return BAD_ALARM_TABLE;
        if (end - begin > p->most) end = begin + p->most;
        hit[i] = begin << 32 | end;
        __builtin_prefetch(&p->postings[begin]);
    }
    return DONE;
}

/* Collect the alarms that the hits of a row vote for; `next` is the first hit of it or of a later row. */
static Status collect(Probe *p, size_t last, size_t *next) {
    p->votes.size = 0;
    for (; *next < p->hits.size && p->hits.item[*next] < last; *next += 2) {
        size_t begin = p->hits.item[*next + 1] >> 32, end = p->hits.item[*next + 1] & 0xFFFFFFFF;
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

static Status offsets_rise(Probe *p) {
    for (p->row = 0; p->row < p->rows; p->row++) {
        int64_t start = p->offsets[p->row], stop = p->offsets[p->row + 1];
        if (start < 0 || stop < start || (uint64_t)stop > p->count) return BAD_OFFSETS;
    }
    p->row = 0;
    return DONE;
}

static Status probe_rows(Probe *p) {
    Status status = offsets_rise(p);
    if (status == DONE) status = find_slots(p);
    if (status == DONE) status = find_lists(p);
    size_t next = 0;
    while (next < p->hits.size && p->rows && p->hits.item[next] < (uint64_t)p->offsets[0]) next += 2;
    for (; status == DONE && p->row < p->rows; p->row += status == DONE) {
        status = collect(p, (size_t)p->offsets[p->row + 1], &next);
        if (status == DONE && p->votes.size) status = count_votes(p);
    }
    return status;
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
        free(p.hits.item);
        free(p.votes.item);
        free(p.spare.item);
        free(p.found.item);
    }
    release(v, 7);
    return found;
}
