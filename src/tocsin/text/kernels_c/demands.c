/* Sieve lines: name the demands that each meets. The reference: demands.py, which also packs the arrays.
 *
 * A line first begins demands: a window of some literal of their first set stands in it, found by a filter and a table,
 * and the literal is there. What else those demands need is then looked for literal by literal, along the chain of the
 * places that hold the same four bytes. Positions are counted in characters.
 */
#include "sets.h"

/* Note the demands that an entry's literal begins, which stands at p. */
static Status begin(Meet *m, const Entry *e, const uint8_t *p) {
    uint32_t line = (uint32_t)m->row + 1, ear = 1u << m->columns[m->row], i = e->wish & (MOST_WISHES - 1);
    if (m->begun[e - m->entry] == line) return DONE;
    m->begun[e - m->entry] = line;
    for (;; i++) {
        const Wish *w = &m->wish[i];
        if (w->ears & ear) {
            if (!w->gram) __builtin_prefetch(&m->grams[w->member]);
            if (m->pending.size == m->pending.capacity && !reserve(&m->pending, 1)) return NO_MEMORY;
            m->pending.item[m->pending.size++] = (uint64_t)(p - m->line) << 32 | i;
        }
        if (w->ears & LAST_WISH) return DONE;
    }
}

#define TAG_AGAIN 0x80000000u

/* The upper half, to which all bytes of a window add. */
INLINE uint32_t tag_of(uint64_t hash) { return (uint32_t)(hash >> 32); }

/* Find the slot with the tag of a window that the filter let pass, its own where several have the tag; or one behind the
 * slots. */
INLINE size_t look_up(const Meet *m, uint64_t hash) {
    const Windows *w = &m->first;
    for (size_t at = (size_t)(hash >> w->shift); m->slot[at].first; at = (at + 1) & (w->slots - 1))
        if (m->slot[at].tag == tag_of(hash) && (!(m->slot[at].first & TAG_AGAIN) || w->keys[at] == hash)) return at;
    return w->slots;
}

/* Say whether an entry's literal stands at p of the line, with its edges and as far as its head goes: without a branch,
 * for nothing foretells which it will be. */
INLINE uint32_t has_head(const Meet *m, const Entry *e, const uint8_t *p) {
    size_t left = (size_t)(m->end - p), size = e->size < left ? e->size : left, limit = (size_t)(m->buffer + m->size - p);
    Lanes bytes = {0};
    if (limit >= HEAD) bytes = lanes_at(p);
    else memcpy(&bytes, p, limit);
    uint32_t other = bits16((Lanes)(bytes != e->head)) & ((1u << (size < HEAD ? size : HEAD)) - 1);
    uint32_t first = p > m->line, before = IN_WORD[*(p - first)] & first, behind = IN_WORD[p[size]] & (size < left);
    return (e->size <= left) & !other & !((e->wish >> BEGIN_AT >> before | e->wish >> END_AT >> behind) & 1);
}

/* Begin what the literals begin of which the heads were found. */
static Status begin_found(Meet *m, const Heads *heads) {
    for (size_t i = 0; i < heads->count; i++) {
        const Entry *e = &m->entry[heads->entry[i]];
        const uint8_t *p = m->line + heads->place[i];
        if (e->size > HEAD && memcmp(p + HEAD, m->text + e->at + HEAD, e->size - HEAD)) continue;
        Status status = begin(m, e, p);
        if (status != DONE) return status;
    }
    return DONE;
}

INLINE size_t first_entry(const Meet *m, uint64_t slot) { return (m->slot[slot].first & ~TAG_AGAIN) - 1; }

/* Begin what the literals of slots begin; their windows stand `at` so far behind p. */
INLINE Status begin_all(Meet *m, const uint64_t *slot, const uint64_t *at, size_t count, const uint8_t *p) {
    Heads heads;
    Status status = DONE;
    size_t entry = first_entry(m, slot[0]);
    heads.count = 0;
    for (size_t n = 0; n < count && status == DONE;) {
        const Entry *e = &m->entry[entry];
        size_t place = (size_t)(p + at[n] - m->line), fits = place >= e->window, last = e->wish >> LAST_AT;
        place -= fits ? e->window : place;
        heads.entry[heads.count] = (uint32_t)entry;
        heads.place[heads.count] = (uint32_t)place;
        heads.count += fits & has_head(m, e, m->line + place);
        n += last;
        entry = last ? first_entry(m, slot[n < count ? n : 0]) : entry + 1;
        if (heads.count == MOST_HEADS) status = begin_found(m, &heads), heads.count = 0;
    }
    return status == DONE ? begin_found(m, &heads) : status;
}

/* Say what must be known of a demand once it is begun. */
static Wish wish_for(const Meet *m, uint32_t demand) {
    const Demand *d = &m->demand[demand];
    if (d->count == 1) return (Wish){demand, d->ears & EVERY_EAR, NO_SET, 0, 0, 0};
    uint32_t set = m->needs[d->sets + 1], first = m->members.starts[set], end = m->members.starts[set + 1];
    return (Wish){demand, d->ears & EVERY_EAR, set, first, end, end - first == 1 ? m->grams[first] : 0};
}

/* Say what must be known of a literal whose window is found. */
static Entry entry_for(const Meet *m, uint32_t literal) {
    const Literal *l = &m->literal[literal];
    const uint8_t *text = m->text + l->at;
    uint32_t first = m->begins.starts[literal], end = m->begins.starts[literal + 1];
    Entry e = {{0}, l->at, l->size, l->window, first < end ? first : (uint32_t)m->begins.listed};
    memcpy(&e.head, text, l->size < HEAD ? l->size : HEAD);
    if (l->edges & AT_BEGIN) e.wish |= 1u << (BEGIN_AT + IN_WORD[text[0]]);
    if (l->edges & AT_END) e.wish |= 1u << (END_AT + IN_WORD[text[l->size - 1]]);
    return e;
}

/* The four bytes behind a literal's gram, where its window has so many; else 0. */
static uint32_t tail_of(const Meet *m, const Literal *l) {
    return l->size < 8 ? 0 : load32(m->text + l->at + l->window + GRAM);
}

/* Say whether some slot that is looked at after this one has its tag. */
static int repeats(const Meet *m, size_t slot) {
    size_t mask = m->first.slots - 1;
    for (size_t at = (slot + 1) & mask; m->slot[at].first; at = (at + 1) & mask)
        if (m->slot[at].tag == m->slot[slot].tag) return 1;
    return 0;
}

/* Pack the slots and their literals, and the demands that these begin. */
static int pack_slots(Meet *m) {
    const Windows *w = &m->first;
    m->slot = calloc(w->slots, sizeof *m->slot);
    m->entry = aligned_alloc(64, (w->literals.listed + 2) / 2 * 64);
    m->wish = malloc((m->begins.listed + 1) * sizeof *m->wish);
    m->tails = malloc((m->members.listed + 1) * sizeof *m->tails);
    if (!m->slot || !m->entry || !m->wish || !m->tails) return 0;
    for (size_t i = 0; i < m->members.listed; i++) m->tails[i] = tail_of(m, &m->literal[m->members.items[i]]);
    for (size_t i = 0; i < m->begins.listed; i++) m->wish[i] = wish_for(m, m->begins.items[i]);
    m->wish[m->begins.listed] = (Wish){.ears = LAST_WISH};
    for (size_t i = 0; i < m->literals; i++)
        if (m->begins.starts[i] < m->begins.starts[i + 1]) m->wish[m->begins.starts[i + 1] - 1].ears |= LAST_WISH;
    for (uint32_t i = 0; i < w->literals.listed; i++) m->entry[i] = entry_for(m, w->literals.items[i]);
    for (size_t i = 0; i < w->literals.lists; i++)
        if (w->literals.starts[i] < w->literals.starts[i + 1]) m->entry[w->literals.starts[i + 1] - 1].wish |= LAST_ENTRY;
    for (size_t i = 0; i < w->slots; i++) {
        uint32_t list = w->values[i];
        if (!w->keys[i] || w->literals.starts[list] == w->literals.starts[list + 1]) continue;
        m->slot[i] = (Slot){tag_of(w->keys[i]), w->literals.starts[list] + 1};
    }
    for (size_t i = 0; i < w->slots; i++)
        if (m->slot[i].first && repeats(m, i)) m->slot[i].first |= TAG_AGAIN;
    return 1;
}

/* Find the literals of a line that begin demands: all look-ups of a stretch are begun before the first is done. */
INLINE Status search(Meet *m) {
    Sifted sifted;
    const Windows *w = &m->first;
    const uint8_t *limit = m->buffer + m->size;
    for (const uint8_t *at = m->line; at < m->end; at += STRETCH) {
        size_t count = m->end - at < STRETCH ? (size_t)(m->end - at) : STRETCH;
        size_t places = sift_grams(w, at, count, limit, &sifted, m->wide);
        size_t found = sift_windows(w, at, places, limit, &sifted, m->wide);
        for (size_t n = 0; n < found; n++) __builtin_prefetch(&m->slot[sifted.hash[n] >> w->shift]);
        size_t known = 0;
        for (size_t n = 0; n < found; n++) {
            size_t slot = look_up(m, sifted.hash[n]);
            if (slot == w->slots) continue;
            __builtin_prefetch(&m->entry[first_entry(m, slot)]);
            sifted.hash[known] = slot;
            sifted.at[known++] = sifted.at[n];
        }
        Status status = known ? begin_all(m, sifted.hash, sifted.at, known, at) : DONE;
        if (status != DONE) return status;
    }
    return DONE;
}

static int near(const Hit *a, const Hit *b, uint32_t within) {
    uint32_t low = a->start < b->start ? a->start : b->start, high = a->end > b->end ? a->end : b->end;
    return high - low <= within;
}

static int holds_near(const Met *met, const Hit *hit, uint32_t within) {
    for (uint32_t i = 0; i < met->count; i++)
        if (near(&met->hit[i], hit, within)) return 1;
    return 0;
}

/* Say whether the line holds some literal of every set but the first two, for the one began the demand and the other
 * was looked for. */
INLINE int holds_others(Meet *m, const Demand *d) {
    for (uint32_t i = 2; i < d->count; i++) {
        uint32_t set = m->needs[d->sets + i];
        if (!holds_set(m, set, m->members.starts[set], m->members.starts[set + 1])) return 0;
    }
    return 1;
}

/* Say whether literals of the sets follow one another within the demand's stretch: from each begin the next that ends
 * soonest is taken. */
static int holds_in_order(const Meet *m, const Demand *d) {
    const Met *met[MOST_ORDERED];
    for (uint32_t i = 0; i < d->count; i++) met[rank_of(d, i)] = &m->met[m->needs[d->sets + i]];
    for (uint32_t h = 0; h < met[0]->count; h++) {
        uint32_t end = met[0]->hit[h].end, rank = 1;
        for (; rank < d->count; rank++) {
            uint32_t soonest = UINT32_MAX;
            for (uint32_t i = 0; i < met[rank]->count; i++) {
                Hit hit = met[rank]->hit[i];
                if (hit.start >= end && hit.end < soonest) soonest = hit.end;
            }
            if (soonest == UINT32_MAX) break;
            end = soonest;
        }
        if (rank == d->count && end - met[0]->hit[h].start <= d->within) return 1;
    }
    return 0;
}

/* Say whether a literal of every other set stands near one of the first set's. */
static int holds_together(Meet *m, const Demand *d, Status *status) {
    const uint32_t *set = m->needs + d->sets;
    count_chars(m);
    for (uint32_t i = 0; i < d->count; i++)
        if ((*status = find_set(m, set[i])) != DONE) return 0;
    for (uint32_t i = 0; i < d->count; i++)
        if (m->met[set[i]].count > MOST_HITS) return 1;
    if (d->order) return holds_in_order(m, d);
    const Met *first = &m->met[set[0]];
    for (uint32_t h = 0; h < first->count; h++) {
        uint32_t i = 1;
        while (i < d->count && holds_near(&m->met[set[i]], &first->hit[h], d->within)) i++;
        if (i == d->count) return 1;
    }
    return 0;
}

/* Say where a line first holds a demand's only literal, in characters: its begin, its end; all ones for another demand. */
static uint64_t lone_place(const Meet *m, const Demand *d, uint32_t place) {
    uint32_t set = m->needs[d->sets], only = m->members.starts[set];
    if (d->count > 1 || m->members.starts[set + 1] - only != 1) return UINT64_MAX;
    uint32_t literal = m->members.items[only], chars = 0;
    for (uint32_t i = 0; i < place; i++) chars += (m->line[i] & 0xC0) != 0x80;
    return (uint64_t)chars << 32 | (chars + m->literal[literal].chars);
}

/* Look for what a begun demand still needs, once a line, and tell it where all is there. */
static Status tell(Meet *m, uint32_t demand, uint32_t place) {
    const Demand *d = &m->demand[demand];
    Status status = DONE;
    if (m->told[demand] == m->row + 1) return DONE;
    m->told[demand] = (uint32_t)m->row + 1;
    if (!holds_others(m, d) || (d->count > 1 && d->within != ANYWHERE && !holds_together(m, d, &status))) return status;
    if (!reserve(&m->found, 2)) return NO_MEMORY;
    m->found.item[m->found.size++] = (uint64_t)m->row << 32 | demand;
    m->found.item[m->found.size++] = lone_place(m, d, place);
    return DONE;
}

INLINE Status meet_line(Meet *m) {
    m->pending.size = 0;
    Status status = search(m);
    int chained = 0;
    for (size_t i = 0; status == DONE && i < m->pending.size; i++) {
        const Wish *w = &m->wish[(uint32_t)m->pending.item[i]];
        if (w->set != NO_SET) {
            if (!chained++ && !chain_grams(m)) return NO_MEMORY;
            if (w->gram && !has_gram(m, w->gram)) continue;
            if (!holds_set(m, w->set, w->member, w->end)) continue;
        }
        status = tell(m, w->demand, (uint32_t)(m->pending.item[i] >> 32));
    }
    return status;
}

INLINE Status meet_lines(Meet *m) {
    for (m->row = 0; m->row < m->rows; m->row++) {
        int64_t start = m->offsets[m->row], stop = m->offsets[m->row + 1];
        if (start < 0 || stop <= start || (uint64_t)stop > m->size) return BAD_OFFSETS;
        m->line = m->buffer + start;
        m->end = m->buffer + stop - 1;
        Status status = m->columns[m->row] < 8 && m->ears >> m->columns[m->row] & 1 ? meet_line(m) : DONE;
        if (status != DONE) return status;
    }
    return DONE;
}
CLONES(Status, run_meet_narrow, meet_lines, Meet)

#ifdef HAS_AVX2_CLONES
AVX512 static Status run_meet_wide(Meet *m) { return meet_lines(m); }
#else
static Status run_meet_wide(Meet *m) { return meet_lines(m); }
#endif

/* By what the processor can: 0 the plain clone, 1 that for AVX2, 2 that for AVX-512. */
static Status run_meet(Meet *m, int lanes) {
    m->wide = lanes > 1 && cpu_has_avx512();
    return m->wide ? run_meet_wide(m) : run_meet_narrow(m, lanes && cpu_has_avx2());
}

static void drop_slots(Meet *m) {
    free(m->slot);
    free(m->entry);
    free(m->wish);
    free(m->tails);
}

static Status run_sound(Meet *m, int lanes) {
    m->begun = calloc(m->first.literals.listed + 1, sizeof *m->begun);
    m->asked = calloc(m->members.lists + 1, sizeof *m->asked);
    m->held = calloc(m->members.lists + 1, sizeof *m->held);
    m->told = calloc(m->demands + 1, sizeof *m->told);
    m->met = calloc(m->members.lists + 1, sizeof *m->met);
    m->last = malloc(MOST_CHAINS * sizeof *m->last);
    int own = !m->slot, whole = m->begun && m->asked && m->held && m->told && m->met && m->last;
    Status status = whole && (!own || pack_slots(m)) ? run_meet(m, lanes) : NO_MEMORY;
    for (size_t i = 0; m->met && i < m->members.lists; i++) free(m->met[i].hit);
    free(m->begun);
    free(m->asked);
    free(m->held);
    free(m->told);
    free(m->met);
    free(m->last);
    if (own) drop_slots(m);
    free(m->before);
    return status;
}

/* Look for demands in lines, given as three views. */
static PyObject *look(Meet m, const Py_buffer *v, int sound, int lanes) {
    PyObject *found = NULL;
    Status status;
    m.buffer = v[BUFFER].buf, m.size = (size_t)v[BUFFER].len;
    m.offsets = v[OFFSETS].buf, m.rows = (size_t)v[OFFSETS].len / 8 - 1, m.columns = v[COLUMNS].buf;
    Py_BEGIN_ALLOW_THREADS
    if (!sound && (sound = demands_are_sound(&m))) sum_up(&m);
    status = sound ? run_sound(&m, lanes) : BAD_DEMANDS;
    Py_END_ALLOW_THREADS
    if (status == DONE) found = PyBytes_FromStringAndSize((const char *)m.found.item, (Py_ssize_t)(m.found.size * 8));
    else fail(status, m.row);
    free(m.pending.item);
    free(m.found.item);
    return found;
}

/* Open the views of a tuple from some place on; `count` says how many are open, also where one could not be. */
static int open_views(PyObject *views, Py_buffer *v, int first, int *count) {
    if (PyTuple_Size(views) != MEET_VIEWS - first) {
        PyErr_Format(PyExc_ValueError, "not %d buffers", MEET_VIEWS - first);
        return 0;
    }
    for (; *count < MEET_VIEWS - first; ++*count)
        if (PyObject_GetBuffer(PyTuple_GetItem(views, *count), &v[first + *count], PyBUF_C_CONTIGUOUS)) return 0;
    return 1;
}

PyObject *meet_demands(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *views, *found = NULL;
    Py_buffer v[MEET_VIEWS];
    int lanes, count = 0;
    if (!PyArg_ParseTuple(args, "O!i", &PyTuple_Type, &views, &lanes)) return NULL;
    if (open_views(views, v, 0, &count) && lines_hold(v) && demand_views_hold(v)) found = look(demands_of(v), v, 0, lanes);
    release(v, count);
    return found;
}

/* Demands that were checked once: a copy, which nobody else can change. */
typedef struct { Meet meet; uint64_t memory[]; } Kept;
static const char KEPT[] = "tocsin.text demands";

static void drop_kept(Kept *kept) {
    drop_slots(&kept->meet);
    free(kept);
}

static void drop(PyObject *capsule) { drop_kept(PyCapsule_GetPointer(capsule, KEPT)); }

static size_t words(const Py_buffer *view) { return ((size_t)view->len + 7) / 8; }

static PyObject *keep(const Py_buffer *v) {
    size_t size = 0, at = 0;
    for (int i = LITERALS; i < MEET_VIEWS; i++) size += words(&v[i]);
    Kept *kept = malloc(sizeof *kept + 8 * size);
    if (!kept) return PyErr_NoMemory();
    Py_buffer own[MEET_VIEWS];
    for (int i = LITERALS; i < MEET_VIEWS; at += words(&v[i++])) {
        own[i] = (Py_buffer){.buf = kept->memory + at, .len = v[i].len};
        memcpy(kept->memory + at, v[i].buf, (size_t)v[i].len);
    }
    kept->meet = demands_of(own);
    int sound = demands_are_sound(&kept->meet);
    if (sound) sum_up(&kept->meet);
    Status status = !sound ? BAD_DEMANDS : pack_slots(&kept->meet) ? DONE : NO_MEMORY;
    PyObject *capsule = status == DONE ? PyCapsule_New(kept, KEPT, drop) : fail(status, 0);
    if (!capsule) drop_kept(kept);
    return capsule;
}

PyObject *keep_demands(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *views, *capsule = NULL;
    Py_buffer v[MEET_VIEWS];
    int count = 0;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &views)) return NULL;
    if (open_views(views, v, LITERALS, &count) && demand_views_hold(v)) capsule = keep(v);
    release(v + LITERALS, count);
    return capsule;
}

PyObject *meet_kept(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *lines[LITERALS], *capsule, *found = NULL;
    Py_buffer v[LITERALS];
    int lanes, count = 0;
    if (!PyArg_ParseTuple(args, "OOOOi", &lines[0], &lines[1], &lines[2], &capsule, &lanes)) return NULL;
    const Kept *kept = PyCapsule_GetPointer(capsule, KEPT);
    if (!kept) return NULL;
    while (count < LITERALS && !PyObject_GetBuffer(lines[count], &v[count], PyBUF_C_CONTIGUOUS)) count++;
    if (count == LITERALS && lines_hold(v)) found = look(kept->meet, v, 1, lanes);
    release(v, count);
    return found;
}
