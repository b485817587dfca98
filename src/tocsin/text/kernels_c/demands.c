/* Sieve lines: name the demands that each meets. The reference: demands.py, which also packs the arrays.
 *
 * A line first begins demands: a window of some literal of their first set stands in it, found by a filter and a table,
 * and the literal is there. What else those demands need is then looked for literal by literal, along the chain of the
 * places that hold the same four bytes. Positions are counted in characters.
 */
#define _GNU_SOURCE  /* memmem */
#include "kernels.h"

#define ANYWHERE 0xFFFFFFFFu
#define MOST_CHAINS (1u << 20)
enum { MOST_HITS = 256, AT_BEGIN = 1, AT_END = 2, GRAM = 4, WIDTHS = 6 };
static const uint8_t width_of[WIDTHS] = {8, 6, 4, 3, 2, 1};  /* bytes of the windows by which literals are found */

/* The bytes text[at..at + size) and so many characters; where its window begins; its edges and first 8 bytes. */
typedef struct { uint32_t at, size, chars, window, edges, head[2]; } Literal;
typedef struct { uint32_t sets, count, within, ears; } Demand;
typedef struct { const uint32_t *starts; size_t lists; const uint32_t *items; size_t listed; } Lists;
typedef struct {
    const uint64_t *filter; int filter_shift;
    const uint64_t *keys; const uint32_t *values; size_t slots; int shift;
    Lists literals;                        /* by window */
    int widths;                            /* bit i: some window has width_of[i] bytes */
} Windows;
typedef struct { uint32_t start, end; } Hit;  /* in characters of the line */
typedef struct { uint32_t line, count, room; Hit *hit; } Met;  /* what a line holds of a set */

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; const uint8_t *columns; size_t rows;
    const Literal *literal; size_t literals;
    const uint8_t *text; size_t text_size;
    Windows first;                         /* of the literals that begin demands */
    Lists begins, members;                 /* the demands that a literal begins, the literals of a set */
    const uint32_t *grams;                 /* of each member: four bytes of it, at its window; 0 where it has not so many */
    const Demand *demand; size_t demands;
    const uint32_t *needs; size_t needed;
    uint32_t *begun, *asked;               /* the last line, from 1, that held a literal, or began a demand */
    Met *met;
    uint32_t *last, *before; size_t room;  /* where the line last held a gram of this hash, from 1; and where before */
    uint32_t *chars;                       /* how many characters stand before a byte, where not all is ASCII */
    int gram_shift, ascii;                 /* whether the line is nothing but ASCII */
    List pending, found;
    uint32_t ears;                         /* the columns that some demand hears */
    size_t row;
    const uint8_t *line, *end;             /* of this row */
} Meet;

INLINE int is_word(uint8_t c) { return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 32) - 'a') < 26 || c == '_'; }

INLINE uint64_t load_some(const uint8_t *p, const uint8_t *limit) {
    if (limit - p >= 8) return load64(p);
    uint64_t v = 0;
    memcpy(&v, p, (size_t)(limit - p));
    return v;
}

INLINE uint64_t lowest_bytes(uint64_t v, size_t count) { return v & UINT64_MAX >> (64 - 8 * count); }

/* Say whether a literal that stands at p has its edges there. */
INLINE int has_edges(const Meet *m, const Literal *l, const uint8_t *p) {
    const uint8_t *end = p + l->size;
    if (l->edges & AT_BEGIN && (p > m->line && is_word(p[-1])) == is_word(*p)) return 0;
    return !(l->edges & AT_END) || (end < m->end && is_word(*end)) != is_word(end[-1]);
}

/* Say whether a literal stands at p, whole and with its edges. */
INLINE int stands(const Meet *m, const Literal *l, const uint8_t *p) {
    if ((size_t)(m->end - p) < l->size) return 0;
    uint64_t head = (uint64_t)l->head[1] << 32 | l->head[0];
    if (lowest_bytes(load_some(p, m->buffer + m->size), l->size < 8 ? l->size : 8) != head) return 0;
    return (l->size <= 8 || !memcmp(p, m->text + l->at, l->size)) && has_edges(m, l, p);
}

static Status begin(Meet *m, size_t literal) {
    uint32_t line = (uint32_t)m->row + 1, ear = 1u << m->columns[m->row];
    if (m->begun[literal] == line) return DONE;
    m->begun[literal] = line;
    for (uint32_t i = m->begins.starts[literal]; i < m->begins.starts[literal + 1]; i++) {
        uint32_t demand = m->begins.items[i];
        if (!(m->demand[demand].ears & ear) || m->asked[demand] == line) continue;
        m->asked[demand] = line;
        if (!reserve(&m->pending, 1)) return NO_MEMORY;
        m->pending.item[m->pending.size++] = demand;
    }
    return DONE;
}

/* Look up a window that the filter let pass; p is where it begins. */
INLINE Status look_up(Meet *m, uint64_t key, const uint8_t *p) {
    const Windows *w = &m->first;
    size_t at = (size_t)(key >> w->shift), steps = 0;
    while (w->keys[at] && w->keys[at] != key && ++steps < w->slots) at = (at + 1) & (w->slots - 1);
    if (w->keys[at] != key) return DONE;
    uint32_t list = w->values[at];
    for (uint32_t i = w->literals.starts[list]; i < w->literals.starts[list + 1]; i++) {
        uint32_t literal = w->literals.items[i];
        const Literal *l = &m->literal[literal];
        if ((size_t)(p - m->line) < l->window || !stands(m, l, p - l->window)) continue;
        Status status = begin(m, literal);
        if (status != DONE) return status;
    }
    return DONE;
}

INLINE uint64_t window_hash(uint64_t bytes, size_t width) {
    uint64_t hash = (lowest_bytes(bytes, width) ^ width * MIX_B) * MIX_A;
    return hash ? hash : 1;
}

INLINE uint64_t filtered(const Windows *w, uint64_t hash) {
    uint64_t bit = hash >> w->filter_shift;
    return w->filter[bit / 64] >> bit % 64 & 1;
}

/* List the places of a stretch where a window may begin, by the filter of their first four bytes. */
INLINE size_t sift(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit, uint16_t *places) {
    size_t found = 0;
    int whole = (size_t)(limit - p) >= count + 8;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = whole ? load32(p + i) : lowest_bytes(load_some(p + i, limit), GRAM);
        places[found] = (uint16_t)i;
        found += filtered(w, bytes * MIX_A);
    }
    return found;
}

/* Find the literals of a line that begin demands. */
INLINE Status search(Meet *m) {
    enum { STRETCH = 256 };
    uint16_t places[STRETCH];
    const Windows *w = &m->first;
    const uint8_t *limit = m->buffer + m->size;
    for (const uint8_t *at = m->line; at < m->end; at += STRETCH) {
        size_t count = m->end - at < STRETCH ? (size_t)(m->end - at) : STRETCH;
        size_t found = sift(w, at, count, limit, places);
        for (size_t n = 0; n < found; n++) {
            uint64_t bytes = load_some(at + places[n], limit);
            for (int i = 0; i < WIDTHS; i++) {
                uint64_t hash = window_hash(bytes, width_of[i]);
                if (!(w->widths >> i & 1) || !filtered(w, hash)) continue;
                Status status = look_up(m, hash, at + places[n]);
                if (status != DONE) return status;
            }
        }
    }
    return DONE;
}

INLINE size_t gram_hash(const Meet *m, uint32_t gram) { return (size_t)(gram * MIX_A >> m->gram_shift); }

/* Chain up the places of the line that hold a gram of the same hash. */
static int chain_grams(Meet *m) {
    size_t size = (size_t)(m->end - m->line), chains = 64;
    m->gram_shift = 58;
    for (; chains < 4 * size && chains < MOST_CHAINS; chains *= 2) m->gram_shift--;
    if (size > m->room) {
        uint32_t *more = realloc(m->before, 4 * size * sizeof *more);
        if (!more) return 0;
        m->room = 2 * size;
        m->before = more;
        m->chars = more + m->room;
    }
    memset(m->last, 0, chains * sizeof *m->last);
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) all |= m->line[i];
    m->ascii = all < 0x80;
    for (uint32_t i = 0, chars = 0; !m->ascii && i < size; chars += (m->line[i++] & 0xC0) != 0x80) m->chars[i] = chars;
    for (size_t i = 0; i + GRAM <= size; i++) {
        uint32_t *last = &m->last[gram_hash(m, load32(m->line + i))];
        m->before[i] = *last;
        *last = (uint32_t)i + 1;
    }
    return 1;
}

static int note(Met *met, Hit hit) {
    if (met->count == met->room) {
        uint32_t room = met->room ? 2 * met->room : 4;
        Hit *more = realloc(met->hit, room * sizeof *more);
        if (!more) return 0;
        met->hit = more;
        met->room = room;
    }
    met->hit[met->count++] = hit;
    return 1;
}

/* Note that a literal of a set stands at p. */
static int note_place(Meet *m, Met *met, const Literal *l, const uint8_t *p) {
    uint32_t at = (uint32_t)(p - m->line), chars = m->ascii ? at : m->chars[at];
    return note(met, (Hit){chars, chars + l->chars});
}

/* Note where the line holds a literal too short for a gram. */
static int note_short(Meet *m, Met *met, const Literal *l) {
    for (const uint8_t *p = m->line; (p = memmem(p, (size_t)(m->end - p), m->text + l->at, l->size)); p++)
        if (met->count <= MOST_HITS && has_edges(m, l, p) && !note_place(m, met, l, p)) return 0;
    return 1;
}

/* Note where the line holds a literal, of the places that hold its gram, until the set has too many. */
static int note_chained(Meet *m, Met *met, const Literal *l, uint32_t at) {
    for (; at && met->count <= MOST_HITS; at = m->before[at - 1]) {
        const uint8_t *p = m->line + at - 1;
        if (at - 1 < l->window || !stands(m, l, p - l->window)) continue;
        if (!note_place(m, met, l, p - l->window)) return 0;
    }
    return 1;
}

/* Find what the line holds of a set, once a line. */
static Status find_set(Meet *m, uint32_t set) {
    Met *met = &m->met[set];
    if (met->line == m->row + 1) return DONE;
    met->line = (uint32_t)m->row + 1;
    met->count = 0;
    for (uint32_t i = m->members.starts[set]; i < m->members.starts[set + 1] && met->count <= MOST_HITS; i++) {
        uint32_t at = m->grams[i] ? m->last[gram_hash(m, m->grams[i])] : 0;
        if (m->grams[i] && !at) continue;
        const Literal *l = &m->literal[m->members.items[i]];
        if (!(at ? note_chained(m, met, l, at) : note_short(m, met, l))) return NO_MEMORY;
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

/* Say whether the line holds some literal of every set, the first set's last, for it is known to be there. */
INLINE int holds_all(Meet *m, const Demand *d, Status *status) {
    const uint32_t *set = m->needs + d->sets;
    for (uint32_t i = d->count; i--;) {
        *status = find_set(m, set[i]);
        if (*status != DONE || !m->met[set[i]].count) return 0;
    }
    return 1;
}

/* Say whether a literal of every other set stands near one of the first set's. */
static int holds_together(const Meet *m, const Demand *d) {
    const uint32_t *set = m->needs + d->sets;
    for (uint32_t i = 0; i < d->count; i++)
        if (m->met[set[i]].count > MOST_HITS) return 1;
    const Met *first = &m->met[set[0]];
    for (uint32_t h = 0; h < first->count; h++) {
        uint32_t i = 1;
        while (i < d->count && holds_near(&m->met[set[i]], &first->hit[h], d->within)) i++;
        if (i == d->count) return 1;
    }
    return 0;
}

INLINE Status meet_line(Meet *m) {
    m->pending.size = 0;
    Status status = search(m);
    int chained = 0;
    for (size_t i = 0; status == DONE && i < m->pending.size; i++) {
        const Demand *d = &m->demand[m->pending.item[i]];
        if (d->count > 1) {
            if (!chained++ && !chain_grams(m)) return NO_MEMORY;
            if (!holds_all(m, d, &status) || (d->within != ANYWHERE && !holds_together(m, d))) continue;
        }
        if (!reserve(&m->found, 1)) return NO_MEMORY;
        m->found.item[m->found.size++] = (uint64_t)m->row << 32 | m->pending.item[i];
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
CLONES(Status, run_meet, meet_lines, Meet)

static int lists_are_sound(const Lists *l, size_t lists, size_t below) {
    if (l->lists != lists || l->starts[lists] > l->listed) return 0;
    for (size_t i = 0; i < lists; i++)
        if (l->starts[i] > l->starts[i + 1]) return 0;
    for (size_t i = 0; i < l->listed; i++)
        if (l->items[i] >= below) return 0;
    return 1;
}

static int windows_are_sound(const Windows *w, size_t literals) {
    for (size_t i = 0; i < w->slots; i++)
        if (w->keys[i] && w->values[i] >= w->literals.lists) return 0;
    return lists_are_sound(&w->literals, w->literals.lists, literals);
}

/* Say which of the widths a literal's window has. */
static int width_for(const Literal *l) {
    int i = 0;
    while (width_of[i] > l->size) i++;
    return i;
}

/* Check what the search takes for granted: no number leads out of its table. */
static int demands_are_sound(Meet *m) {
    for (size_t i = 0; i < m->needed; i++)
        if (m->needs[i] >= m->members.lists) return 0;
    for (size_t i = 0; i < m->demands; i++)
        if (!m->demand[i].count || m->demand[i].sets > m->needed || m->demand[i].count > m->needed - m->demand[i].sets)
            return 0;
    for (size_t i = 0; i < m->literals; i++) {
        const Literal *l = &m->literal[i];
        if (!l->size || l->at > m->text_size || l->size > m->text_size - l->at) return 0;
        if (l->window > l->size - width_of[width_for(l)]) return 0;
    }
    return windows_are_sound(&m->first, m->literals) && lists_are_sound(&m->begins, m->literals, m->demands) &&
           lists_are_sound(&m->members, m->members.lists, m->literals);
}

static int shift_for(size_t slots) {
    int shift = 64;
    for (; slots > 1; slots /= 2) shift--;
    return shift;
}

static Lists lists_of(const Py_buffer *v) {
    return (Lists){v[0].buf, (size_t)v[0].len / 4 - 1, v[1].buf, (size_t)v[1].len / 4};
}

static Windows windows_of(const Py_buffer *v) {
    size_t slots = (size_t)v[1].len / 8;
    return (Windows){.filter = v[0].buf, .filter_shift = shift_for((size_t)v[0].len * 8), .keys = v[1].buf,
                     .values = v[2].buf, .slots = slots, .shift = shift_for(slots), .literals = lists_of(v + 3)};
}

static int power_of_two(size_t n) { return n && !(n & (n - 1)); }

static int window_views_hold(const Py_buffer *v) {
    size_t slots = (size_t)v[1].len / 8;
    if (!holds(&v[0], 8, 1, "filter") || !holds(&v[1], 8, 2, "keys") || !holds(&v[2], 4, slots, "values") ||
        !holds(&v[3], 4, 1, "starts") || !holds(&v[4], 4, 0, "postings")) return 0;
    if (power_of_two((size_t)v[0].len / 8) && power_of_two(slots)) return 1;
    PyErr_Format(PyExc_ValueError, "filter, keys: %zd, %zu items are no powers of two", v[0].len / 8, slots);
    return 0;
}

enum { BUFFER, OFFSETS, COLUMNS, LITERALS, TEXT, FIRST, BEGINS = FIRST + 5, MEMBERS = BEGINS + 2,
       IN_GRAMS = MEMBERS + 2, DEMANDS, NEEDS, MEET_VIEWS };

/* Say whether a buffer holds whole rows of 32-bit numbers. */
static int holds_rows(const Py_buffer *view, size_t row, const char *name) {
    if (!holds(view, 4, 0, name)) return 0;
    if ((size_t)view->len % row) PyErr_Format(PyExc_ValueError, "%s: %zd bytes are no whole rows of %zu", name, view->len, row);
    return (size_t)view->len % row == 0;
}

static int lines_hold(const Py_buffer *v) {
    return holds(&v[OFFSETS], 8, 1, "offsets") && holds(&v[COLUMNS], 1, (size_t)v[OFFSETS].len / 8 - 1, "columns");
}

static int demand_views_hold(const Py_buffer *v) {
    return holds_rows(&v[LITERALS], sizeof(Literal), "literals") && window_views_hold(v + FIRST) &&
           holds(&v[BEGINS], 4, 1, "begins") && holds(&v[BEGINS + 1], 4, 0, "begins") &&
           holds(&v[MEMBERS], 4, 1, "members") && holds(&v[MEMBERS + 1], 4, 0, "members") &&
           holds(&v[IN_GRAMS], 4, (size_t)v[MEMBERS + 1].len / 4, "grams") &&
           holds_rows(&v[DEMANDS], sizeof(Demand), "demands") && holds(&v[NEEDS], 4, 0, "sets");
}

/* Read the demands out of their views. */
static Meet demands_of(const Py_buffer *v) {
    return (Meet){.literal = v[LITERALS].buf, .literals = (size_t)v[LITERALS].len / sizeof(Literal), .text = v[TEXT].buf,
                  .text_size = (size_t)v[TEXT].len, .first = windows_of(v + FIRST), .begins = lists_of(v + BEGINS),
                  .members = lists_of(v + MEMBERS), .grams = v[IN_GRAMS].buf, .demand = v[DEMANDS].buf,
                  .demands = (size_t)v[DEMANDS].len / sizeof(Demand), .needs = v[NEEDS].buf,
                  .needed = (size_t)v[NEEDS].len / 4};
}

/* Note what all demands have in common. */
static void sum_up(Meet *m) {
    for (size_t i = 0; i < m->first.literals.listed; i++)
        m->first.widths |= 1 << width_for(&m->literal[m->first.literals.items[i]]);
    for (size_t i = 0; i < m->demands; i++) m->ears |= m->demand[i].ears;
}

static Status run_sound(Meet *m, int avx2) {
    m->begun = calloc(m->literals + 1, sizeof *m->begun);
    m->asked = calloc(m->demands + 1, sizeof *m->asked);
    m->met = calloc(m->members.lists + 1, sizeof *m->met);
    m->last = malloc(MOST_CHAINS * sizeof *m->last);
    Status status = m->begun && m->asked && m->met && m->last ? run_meet(m, avx2) : NO_MEMORY;
    for (size_t i = 0; m->met && i < m->members.lists; i++) free(m->met[i].hit);
    free(m->begun);
    free(m->asked);
    free(m->met);
    free(m->last);
    free(m->before);
    return status;
}

/* Look for demands in lines, given as three views. */
static PyObject *look(Meet m, const Py_buffer *v, int sound, int avx2) {
    PyObject *found = NULL;
    Status status;
    m.buffer = v[BUFFER].buf, m.size = (size_t)v[BUFFER].len;
    m.offsets = v[OFFSETS].buf, m.rows = (size_t)v[OFFSETS].len / 8 - 1, m.columns = v[COLUMNS].buf;
    Py_BEGIN_ALLOW_THREADS
    if (!sound && (sound = demands_are_sound(&m))) sum_up(&m);
    status = sound ? run_sound(&m, avx2 && cpu_has_avx2()) : BAD_DEMANDS;
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
    int avx2, count = 0;
    if (!PyArg_ParseTuple(args, "O!p", &PyTuple_Type, &views, &avx2)) return NULL;
    if (open_views(views, v, 0, &count) && lines_hold(v) && demand_views_hold(v)) found = look(demands_of(v), v, 0, avx2);
    release(v, count);
    return found;
}

/* Demands that were checked once: a copy, which nobody else can change. */
typedef struct { Meet meet; uint64_t memory[]; } Kept;
static const char KEPT[] = "tocsin.text demands";

static void drop(PyObject *capsule) { free(PyCapsule_GetPointer(capsule, KEPT)); }

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
    PyObject *capsule = sound ? PyCapsule_New(kept, KEPT, drop) : fail(BAD_DEMANDS, 0);
    if (!capsule) free(kept);
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
    int avx2, count = 0;
    if (!PyArg_ParseTuple(args, "OOOOp", &lines[0], &lines[1], &lines[2], &capsule, &avx2)) return NULL;
    const Kept *kept = PyCapsule_GetPointer(capsule, KEPT);
    if (!kept) return NULL;
    while (count < LITERALS && !PyObject_GetBuffer(lines[count], &v[count], PyBUF_C_CONTIGUOUS)) count++;
    if (count == LITERALS && lines_hold(v)) found = look(kept->meet, v, 1, avx2);
    release(v, count);
    return found;
}
