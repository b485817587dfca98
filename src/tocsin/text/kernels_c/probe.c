/* Look hashes up in an alarm table, count votes, and let those that suffice be seconded. The reference: probe.py.
 *
 * The alarm table, arrays that may be memory-mapped, little-endian:
 *
 *   keys      u64[2^b]   hashes, 0 for an empty slot. A hash h stands in the first slot from h >> (64 - b) on, wrapping
 *                        round, that was empty. At least one slot is empty. The hash 0 is never stored.
 *   values    u32[2^b]   of a filled slot: its hash's number j
 *   starts    u32[m + 1] rising; the alarms that hold hash j are postings[starts[j]] to postings[starts[j + 1] - 1]
 *   postings  u32[]      alarm numbers, each at most once for one hash
 *   need      u8[a]      the votes that alarm i needs, and
 *   seconds   u8[a]      how many hashes of the row must have their low halves among
 *   windows   u32[]      those from begin[i] to begin[i + 1] - 1, at most 64
 */
#include "wide.h"

typedef struct {
    const uint64_t *keys; const uint32_t *values; size_t slots; int shift;
    const uint32_t *starts; size_t lists;
    const uint32_t *postings; size_t posted;
    const uint8_t *need, *seconds; size_t alarms;
    const uint32_t *begin, *windows; size_t windowed;
    const uint64_t *hashes; size_t count;
    const int64_t *offsets; size_t rows;
    size_t most;                           /* a hash votes for the first so many of its alarms */
    List hits, votes, spare, found;        /* hits: see find_slots, find_lists; found: row, alarm, hits; three items each */
    size_t row;
    int lanes;
} Probe;

enum { AHEAD = 96, MOST_WINDOWS = 64 };  /* how far before its use memory is asked for; windows of an alarm */

/* The slot of a hash, from where it belongs on; the number of slots where it has none. */
INLINE size_t slot_of(const Probe *p, uint64_t hash) {
    size_t at = (size_t)(hash >> p->shift), steps = 0;
    while (p->keys[at] && p->keys[at] != hash && ++steps < p->slots) at = (at + 1) & (p->slots - 1);
    return p->keys[at] == hash ? at : p->slots;
}

/* Ask for the slots where a later hash is looked for first, which may be of two lines of the cache. */
INLINE void ask_ahead(const Probe *p, size_t i) {
    if (i + AHEAD >= p->count) return;
    size_t home = (size_t)(p->hashes[i + AHEAD] >> p->shift), last = (home + WIDE - 1) & (p->slots - 1);
    __builtin_prefetch(&p->keys[home]);
    __builtin_prefetch(&p->keys[last]);
}

/* Note that a hash has a slot: number of the hash, slot. */
static Status note_hit(Probe *p, size_t i, size_t at) {
    __builtin_prefetch(&p->values[at]);
    if (!reserve(&p->hits, 2)) return NO_MEMORY;
    p->hits.item[p->hits.size++] = i;
    p->hits.item[p->hits.size++] = at;
    return DONE;
}

/* Find the slots of all hashes that have one. */
static Status find_slots(Probe *p) {
    Status status = DONE;
    for (size_t i = 0; i < p->count && status == DONE; i++) {
        ask_ahead(p, i);
        size_t at = p->hashes[i] ? slot_of(p, p->hashes[i]) : p->slots;
        if (at != p->slots) status = note_hit(p, i, at);
    }
    return status;
}

#ifdef HAS_AVX2_CLONES
/* The same, eight slots at a look: whether a hash has one is then told by one branch, that seldom goes the other way. */
AVX512_CALL static Status find_slots_eights(Probe *p) {
    Status status = DONE;
    for (size_t i = 0; i < p->count && status == DONE; i++) {
        ask_ahead(p, i);
        uint64_t hash = p->hashes[i];
        size_t home = (size_t)(hash >> p->shift);
        unsigned empty = 0, same = home + WIDE <= p->slots ? slots_wide(p->keys + home, hash, &empty) : 0;
        unsigned ends = same | empty, first = ends & -ends;
        if (!hash || first & empty) continue;
        size_t at = ends ? home + (size_t)__builtin_ctz(ends) : slot_of(p, hash);
        if (at != p->slots) status = note_hit(p, i, at);
    }
    return status;
}
#else
static Status find_slots_eights(Probe *p) { return find_slots(p); }
#endif

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

/* Say whether enough of the row's hashes are among an alarm's windows. */
INLINE int is_seconded(const Probe *p, size_t alarm) {
    const uint32_t *window = p->windows + p->begin[alarm];
    size_t count = p->begin[alarm + 1] - p->begin[alarm], held = 0;
    for (int64_t i = p->offsets[p->row]; held < p->seconds[alarm] && i < p->offsets[p->row + 1]; i++) {
        uint32_t low = (uint32_t)p->hashes[i], is = 0;
        for (size_t w = 0; w < count; w++) is |= window[w] == low;
        held += is;
    }
    return held >= p->seconds[alarm];
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
        uint32_t begin = p->begin[vote[i]], end = p->begin[vote[i] + 1];
        if (begin > end || end > p->windowed || end - begin > MOST_WINDOWS) return BAD_ALARM_TABLE;
        if (!is_seconded(p, (size_t)vote[i])) continue;
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
    if (status == DONE) status = p->lanes > 1 && cpu_has_avx512() ? find_slots_eights(p) : find_slots(p);
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
    size_t slots = (size_t)v[0].len / 8, alarms = (size_t)v[4].len;
    if (!holds(&v[0], 8, 2, "keys") || !holds(&v[1], 4, slots, "values") || !holds(&v[2], 4, 1, "starts") ||
        !holds(&v[3], 4, 0, "postings") || !holds(&v[4], 1, 0, "need") || !holds(&v[5], 1, alarms, "seconds") ||
        !holds(&v[6], 4, alarms + 1, "begin") || !holds(&v[7], 4, 0, "windows") || !holds(&v[8], 8, 0, "hashes") ||
        !holds(&v[9], 8, 1, "offsets")) return 0;
    if (slots & (slots - 1)) PyErr_Format(PyExc_ValueError, "keys: %zu slots are no power of two", slots);
    return !(slots & (slots - 1));
}

PyObject *probe_vote(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[10];
    Py_ssize_t most;
    int lanes;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*y*y*y*ni", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8],
                          &v[9], &most, &lanes)) return NULL;
    PyObject *found = NULL;
    if (probe_views_hold(v)) {
        Probe p = {.keys = v[0].buf, .slots = (size_t)v[0].len / 8, .values = v[1].buf, .shift = 64, .starts = v[2].buf,
                   .lists = (size_t)v[2].len / 4 - 1, .postings = v[3].buf, .posted = (size_t)v[3].len / 4,
                   .need = v[4].buf, .alarms = (size_t)v[4].len, .seconds = v[5].buf, .begin = v[6].buf,
                   .windows = v[7].buf, .windowed = (size_t)v[7].len / 4, .hashes = v[8].buf,
                   .count = (size_t)v[8].len / 8, .offsets = v[9].buf, .rows = (size_t)v[9].len / 8 - 1,
                   .most = most < 0 ? 0 : (size_t)most, .lanes = lanes};
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
    release(v, 10);
    return found;
}

/* How often each alarm stands among postings, but no more than 255 times. */
PyObject *count_posted(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[1];
    Py_ssize_t alarms;
    if (!PyArg_ParseTuple(args, "y*n", &v[0], &alarms)) return NULL;
    PyObject *counts = NULL;
    if (holds(&v[0], 4, 0, "postings") && (counts = new_bytes(alarms < 0 ? 0 : (size_t)alarms, 1))) {
        const uint32_t *posted = v[0].buf;
        size_t count = (size_t)v[0].len / 4, i = 0;
        uint8_t *of = (uint8_t *)PyBytes_AsString(counts);
        Py_BEGIN_ALLOW_THREADS
        for (; i < count && (Py_ssize_t)posted[i] < alarms; i++) of[posted[i]] += of[posted[i]] < 255;
        Py_END_ALLOW_THREADS
        if (i < count) { fail(BAD_ALARM_TABLE, i); Py_DECREF(counts); counts = NULL; }
    }
    release(v, 1);
    return counts;
}
