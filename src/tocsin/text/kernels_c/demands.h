/* What the sieve of demands.c works on, and what it checks before it takes it for granted. */
#ifndef TOCSIN_DEMANDS_H
#define TOCSIN_DEMANDS_H

#include "lanes.h"
#include "sift.h"

#define ANYWHERE 0xFFFFFFFFu
#define MOST_CHAINS (1u << 20)
enum { MOST_HITS = 256, EVERY_EAR = 0xFF, AT_BEGIN = 1, AT_END = 2, TRIPLE = 3, CHAINS_A_BYTE = 8, BLOCK = 64, FEW = 4 };

/* The bytes text[at..at + size) and so many characters; where its window begins; its edges and first 8 bytes. */
typedef struct { uint32_t at, size, chars, window, edges, head[2]; } Literal;
typedef struct { uint32_t sets, count, within, ears, order; } Demand;  /* order: 0, or IN_ORDER and four bits a set */
#define IN_ORDER 0x80000000u
enum { MOST_ORDERED = 7 };
INLINE uint32_t rank_of(const Demand *d, uint32_t i) { return d->order >> 4 * i & 15; }
/* What a look-up needs, where one line of the cache holds it: a slot and the literals of its window, one behind another.
 * A slot's tag is a part of its window's hash. Where the tag comes again behind it the whole hash is compared; else another
 * window may have it too, for a literal is compared in any case. */
typedef struct { uint32_t tag, first; } Slot;  /* first: from 1, its highest bit where the tag comes again; 0: empty */
/* A literal of a window: its first 16 bytes, where its bytes begin in the text, and its first wish with these marks: what
 * may not stand before it, a byte that is in no word or one that is, nor behind it; and whether it ends a slot's list. */
typedef struct { Lanes head; uint32_t at, size, window, wish; } Entry;
enum { HEAD = 16, BEGIN_AT = 27, END_AT = 29, LAST_AT = 31 };
#define LAST_ENTRY (1u << LAST_AT)
#define MOST_WISHES (1u << BEGIN_AT)
enum { MOST_HEADS = 256 };
/* Entries whose heads stand in a line, and where. */
typedef struct { size_t count; uint32_t entry[MOST_HEADS], place[MOST_HEADS]; } Heads;
#define NO_SET 0xFFFFFFFFu
/* A demand that a literal begins: what must be known to see whether the line holds a member of its second set, if any,
 * and the gram of that member where it is the only one. */
typedef struct { uint32_t demand, ears, set, member, end, gram; } Wish;
#define LAST_WISH 0x80000000u  /* beside the ears: it ends a literal's list */
typedef struct { uint32_t start, end; } Hit;  /* in characters of the line */
typedef struct { uint32_t line, count, room; Hit *hit; } Met;  /* where a line holds a set */

typedef struct {
    const uint8_t *buffer; size_t size;
    const int64_t *offsets; const uint8_t *columns; size_t rows;
    const Literal *literal; size_t literals;
    const uint8_t *text; size_t text_size;
    Windows first;                         /* of the literals that begin demands */
    Slot *slot; Entry *entry;              /* the same, packed */
    Wish *wish;                            /* for each item of `begins`, and one that none hears */
    Lists begins, members;                 /* the demands that a literal begins, the literals of a set */
    const uint32_t *grams;                 /* of each member: four bytes of it, at its window; 0 where it has not so many */
    uint32_t *tails;                       /* of each member: the next four, where its window has eight; else 0 */
    const Demand *demand; size_t demands;
    const uint32_t *needs; size_t needed;
    uint32_t *begun, *asked, *held;        /* the last line, from 1, with an entry; that was asked for a set, that holds it */
    uint32_t *told;                        /* the last line, from 1, that all sets of a demand were looked for in */
    Met *met;
    uint32_t *last, *before; size_t room;  /* where a line last held a gram of this hash; where before it, by place */
    size_t chains;                         /* how many of the last places were ever cleared */
    uint32_t base, next_base;              /* both count the line's places from base + 1; what is less is of other lines */
    uint32_t *chars;                       /* how many characters stand before each block of the line */
    int gram_shift, ascii;                 /* whether that line is nothing but ASCII */
    size_t counted;                        /* the last line, from 1, whose characters were counted */
    List pending, found;                   /* pending: a literal's place << 32 | wish; found: line << 32 | demand, and a
                                            * lone literal's place */
    uint32_t ears;                         /* the columns that some demand hears */
    int wide;                              /* whether the processor has AVX-512 */
    size_t row;
    const uint8_t *line, *end;             /* of this row */
} Meet;

static int lists_are_sound(const Lists *l, size_t lists, size_t below) {
    if (l->lists != lists || l->starts[lists] > l->listed) return 0;
    for (size_t i = 0; i < lists; i++)
        if (l->starts[i] > l->starts[i + 1]) return 0;
    for (size_t i = 0; i < l->listed; i++)
        if (l->items[i] >= below) return 0;
    return 1;
}

static int windows_are_sound(const Windows *w, size_t literals) {
    size_t empty = 0;
    for (size_t i = 0; i < w->slots; i++) {
        if (w->keys[i] && w->values[i] >= w->literals.lists) return 0;
        empty += !w->keys[i];
    }
    return empty && lists_are_sound(&w->literals, w->literals.lists, literals);
}

/* Say which of the widths a literal's window has. */
static int width_for(const Literal *l) {
    int i = 0;
    while (width_of[i] > l->size) i++;
    return i;
}

/* Say whether the ranks of an ordered demand's sets are all there, each once. */
static int order_is_sound(const Demand *d) {
    uint32_t ranks = 0;
    if (!d->order) return 1;
    if (!(d->order & IN_ORDER) || d->count > MOST_ORDERED) return 0;
    for (uint32_t i = 0; i < d->count; i++) ranks |= 1u << rank_of(d, i);
    return ranks == (1u << d->count) - 1;
}

/* Check what the search takes for granted: no number leads out of its table. */
static int demands_are_sound(Meet *m) {
    for (size_t i = 0; i < m->needed; i++)
        if (m->needs[i] >= m->members.lists) return 0;
    for (size_t i = 0; i < m->demands; i++)
        if (!m->demand[i].count || m->demand[i].sets > m->needed || m->demand[i].count > m->needed - m->demand[i].sets ||
            !order_is_sound(&m->demand[i]))
            return 0;
    for (size_t i = 0; i < m->literals; i++) {
        const Literal *l = &m->literal[i];
        if (!l->size || l->at > m->text_size || l->size > m->text_size - l->at) return 0;
        if (l->window > l->size - width_of[width_for(l)]) return 0;
    }
    if (!lists_are_sound(&m->members, m->members.lists, m->literals) || m->begins.listed >= MOST_WISHES) return 0;
    for (size_t i = 0; i < m->members.listed; i++)
        if (!m->grams[i] && m->literal[m->members.items[i]].size > TRIPLE) return 0;
    return windows_are_sound(&m->first, m->literals) && lists_are_sound(&m->begins, m->literals, m->demands);
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
    size_t slots = (size_t)v[2].len / 8;
    return (Windows){.grams = v[0].buf, .grams_shift = shift_for((size_t)v[0].len / 4) - 32, .filter = v[1].buf,
                     .filter_shift = shift_for((size_t)v[1].len * 8), .keys = v[2].buf, .values = v[3].buf,
                     .slots = slots, .shift = shift_for(slots), .literals = lists_of(v + 4)};
}

static int power_of_two(size_t n) { return n && !(n & (n - 1)); }

static int window_views_hold(const Py_buffer *v) {
    size_t grams = (size_t)v[0].len / 4, filter = (size_t)v[1].len / 8, slots = (size_t)v[2].len / 8;
    if (!holds(&v[0], 4, 2, "grams") || !holds(&v[1], 8, 1, "filter") || !holds(&v[2], 8, 2, "keys") ||
        !holds(&v[3], 4, slots, "values") || !holds(&v[4], 4, 1, "starts") || !holds(&v[5], 4, 0, "postings")) return 0;
    if (power_of_two(grams) && power_of_two(filter) && power_of_two(slots)) return 1;
    PyErr_Format(PyExc_ValueError, "grams, filter, keys: %zu, %zu, %zu items are no powers of two", grams, filter, slots);
    return 0;
}

enum { BUFFER, OFFSETS, COLUMNS, LITERALS, TEXT, FIRST, BEGINS = FIRST + 6, MEMBERS = BEGINS + 2,
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

#endif
