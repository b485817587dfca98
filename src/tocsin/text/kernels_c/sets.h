/* Say whether, and where, a line holds the literals of a set: along the chain of the places that hold the same four bytes.
 *
 * The chains are made for a line when a set is first asked for in it. Literals too short for a gram are sought byte by byte.
 */
#ifndef TOCSIN_SETS_H
#define TOCSIN_SETS_H

#include "demands.h"

static const uint8_t IN_WORD[256] = {['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['_'] = 1};

/* Say whether so many bytes that stand at p have their edges there. */
INLINE int has_edges(const Meet *m, uint32_t edges, const uint8_t *p, size_t size) {
    uint32_t before = p > m->line ? IN_WORD[p[-1]] : 0, behind = p + size < m->end ? IN_WORD[p[size]] : 0;
    uint32_t inside = (uint32_t)(before == IN_WORD[*p]) | (uint32_t)(behind == IN_WORD[p[size - 1]]) << 1;
    return !(edges & inside);
}

/* Say whether a literal stands at p, whole and with its edges. */
INLINE int stands(const Meet *m, const Literal *l, const uint8_t *p) {
    uint64_t head = (uint64_t)l->head[1] << 32 | l->head[0], size = l->size;
    if ((size_t)(m->end - p) < size) return 0;
    if (size >= 8 ? load64(p) != head : lowest_bytes(load_some(p, m->buffer + m->size), size) != head) return 0;
    return (size <= 8 || !memcmp(p + 8, m->text + l->at + 8, size - 8)) && has_edges(m, l->edges, p, l->size);
}

#ifdef HAS_AVX2_CLONES
/* Step, 64 by 64, to the places where up to three bytes may stand; a bit for each, none at the end. */
AVX512_CALL static uint64_t seek_wide(const uint8_t **from, const uint8_t *end, const uint8_t *what, size_t count) {
    __m512i byte[TRIPLE];
    for (size_t k = 0; k < TRIPLE; k++) byte[k] = _mm512_set1_epi8((char)what[k < count ? k : 0]);
    const uint8_t *p = *from;
    uint64_t held = 0;
    for (; !held && end - p >= 64 + TRIPLE - 1; p += 64) {
        held = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), byte[0]);
        if (count > 1) held &= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + 1), byte[1]);
        if (count > 2) held &= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + 2), byte[2]);
    }
    *from = held ? p - 64 : p;
    return held;
}
#else
static uint64_t seek_wide(const uint8_t **from, const uint8_t *end, const uint8_t *what, size_t count) {
    (void)from, (void)end, (void)what, (void)count;
    return 0;
}
#endif

/* Find one to three bytes from p on; NULL where they are not there. */
static const uint8_t *seek(const uint8_t *p, const uint8_t *end, const uint8_t *what, size_t count, int wide) {
    uint64_t held = wide ? seek_wide(&p, end, what, count) : 0;
    if (held) return p + __builtin_ctzll(held);
    for (; end - p >= 16 + TRIPLE - 1; p += 16) {
        Lanes lanes = is(lanes_at(p), what[0]);
        for (size_t k = 1; k < count; k++) lanes &= is(lanes_at(p + k), what[k]);
        uint32_t found = bits16(lanes);
        if (found) return p + __builtin_ctz(found);
    }
    for (; (size_t)(end - p) >= count; p++)
        if (!memcmp(p, what, count)) return p;
    return NULL;
}

INLINE uint32_t gram_hash(const Meet *m, uint32_t gram) { return gram * MIX_GRAM >> m->gram_shift; }

/* Have room for a line's places, and say how its grams are hashed. */
static int make_room(Meet *m, size_t size) {
    if (size > m->room) {
        uint32_t *more = realloc(m->before, (2 * size + 2 * size / BLOCK + 1) * sizeof *more);
        if (!more) return 0;
        m->room = 2 * size;
        m->before = more;
        m->chars = more + m->room;
    }
    size_t chains = 64;
    for (m->gram_shift = 26; chains < CHAINS_A_BYTE * size && chains < MOST_CHAINS; chains *= 2) m->gram_shift--;
    if (m->next_base > UINT32_MAX - size) m->next_base = 0, m->chains = 0;
    if (chains > m->chains) {
        memset(m->last + m->chains, 0, (chains - m->chains) * sizeof *m->last);
        m->chains = chains;
    }
    m->base = m->next_base;
    m->next_base += (uint32_t)size;
    return 1;
}

/* What the chains are made of, apart from what the compiler must think to change with them. */
typedef struct { const uint8_t *line; uint32_t *last, *before, base; int shift; } Chain;

/* Put a place of the line in front of the chain of a hash. */
INLINE void chain_place(const Chain c, size_t i, uint32_t hash) {
    c.before[i] = c.last[hash];
    c.last[hash] = c.base + (uint32_t)i + 1;
}

#ifdef HAS_AVX2_CLONES
/* Chain up places, sixteen by sixteen, as long as there are bytes enough behind them; say how many. */
AVX512_CALL static size_t chain_wide(const Chain c, size_t count, const uint8_t *limit) {
    enum { LANES32 = 16, READS = 32 };
    const __m128i shift = _mm_cvtsi32_si128(c.shift);
    size_t i = 0;
    for (; i < count && (size_t)(limit - c.line) >= i + READS; i += LANES32) {
        uint32_t hash[LANES32];
        __m512i product = _mm512_mullo_epi32(grams_at(c.line + i), _mm512_set1_epi32((int)MIX_GRAM));
        _mm512_storeu_si512(hash, _mm512_srl_epi32(product, shift));
        if (count - i < LANES32) for (size_t k = 0; k < count - i; k++) chain_place(c, i + k, hash[k]);
        else for (size_t k = 0; k < LANES32; k++) chain_place(c, i + k, hash[k]);
    }
    return i < count ? i : count;
}
#else
static size_t chain_wide(const Chain c, size_t count, const uint8_t *limit) {
    (void)c, (void)count, (void)limit;
    return 0;
}
#endif

/* Chain up the places of the line that hold a gram of the same hash. */
static int chain_grams(Meet *m) {
    size_t size = (size_t)(m->end - m->line);
    if (!make_room(m, size)) return 0;
    const Chain c = {m->line, m->last, m->before, m->base, m->gram_shift};
    size_t count = size < GRAM ? 0 : size - GRAM + 1, i = m->wide ? chain_wide(c, count, m->buffer + m->size) : 0;
    for (; i < count; i++) chain_place(c, i, load32(c.line + i) * MIX_GRAM >> c.shift);
    return 1;
}

/* How many characters begin among up to BLOCK bytes. */
INLINE uint32_t chars_in(const uint8_t *p, size_t size) {
    uint8_t chars = 0;
    for (size_t i = 0; i < size; i++) chars += (p[i] & 0xC0) != 0x80;
    return chars;
}

/* Count the characters before every block of the line, once; in ASCII they are its bytes. */
INLINE void count_chars(Meet *m) {
    size_t size = (size_t)(m->end - m->line), block = 0;
    if (m->counted == m->row + 1) return;
    m->counted = m->row + 1;
    uint32_t chars = 0;
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) all |= m->line[i];
    m->ascii = all < 0x80;
    for (; !m->ascii && (block + 1) * BLOCK <= size; block++) {
        m->chars[block] = chars;
        chars += chars_in(m->line + block * BLOCK, BLOCK);
    }
    m->chars[block] = chars;
}

/* How many characters stand before a byte of the line. */
INLINE uint32_t chars_before(const Meet *m, size_t at) {
    return m->ascii ? (uint32_t)at : m->chars[at / BLOCK] + chars_in(m->line + at / BLOCK * BLOCK, at % BLOCK);
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
    uint32_t chars = chars_before(m, (size_t)(p - m->line));
    return note(met, (Hit){chars, chars + l->chars});
}

/* Find a literal too short for a gram, from p on; NULL where it is not there. */
static const uint8_t *find_short(const Meet *m, const Literal *l, const uint8_t *p) {
    for (; (p = seek(p, m->end, m->text + l->at, l->size, m->wide)); p++)
        if (has_edges(m, l->edges, p, l->size)) return p;
    return NULL;
}

static int note_short(Meet *m, Met *met, const Literal *l) {
    for (const uint8_t *p = m->line; met->count <= MOST_HITS && (p = find_short(m, l, p)); p++)
        if (!note_place(m, met, l, p)) return 0;
    return 1;
}

INLINE uint32_t before(const Meet *m, uint32_t at) { return m->before[at - m->base - 1]; }

/* Where a line last held the gram of a member of a set: this line, if it is above its base. */
INLINE uint32_t last_gram(const Meet *m, uint32_t member) { return m->last[gram_hash(m, m->grams[member])]; }

/* Say whether the line may hold a gram. */
INLINE int has_gram(const Meet *m, uint32_t gram) { return m->last[gram_hash(m, gram)] > m->base; }

/* Say whether the line holds a member of a set. */
static int holds_member(const Meet *m, uint32_t member) {
    const Literal *l = &m->literal[m->members.items[member]];
    uint32_t gram = m->grams[member], tail = m->tails[member];
    if (!gram) return find_short(m, l, m->line) != NULL;
    for (uint32_t at = last_gram(m, member); at > m->base; at = before(m, at)) {
        const uint8_t *p = m->line + (at - m->base - 1);
        if (load32(p) != gram || (tail && m->end - p >= 2 * GRAM && load32(p + GRAM) != tail)) continue;
        if (p - m->line >= l->window && stands(m, l, p - l->window)) return 1;
    }
    return 0;
}

/* Note where the line holds a member of a set, until the set has too many. */
static int note_member(Meet *m, Met *met, uint32_t member) {
    const Literal *l = &m->literal[m->members.items[member]];
    if (!m->grams[member]) return note_short(m, met, l);
    for (uint32_t at = last_gram(m, member); at > m->base && met->count <= MOST_HITS; at = before(m, at)) {
        const uint8_t *p = m->line + (at - m->base - 1);
        if (p - m->line < l->window || !stands(m, l, p - l->window)) continue;
        if (!note_place(m, met, l, p - l->window)) return 0;
    }
    return 1;
}

#ifdef HAS_AVX2_CLONES
/* Say which of up to sixteen members the line may hold, by their grams: a bit for each. */
AVX512_CALL static uint32_t sixteen_at_hand(const Meet *m, uint32_t first, uint32_t end) {
    const __m512i base = _mm512_set1_epi32((int)m->base);
    __mmask16 all = first_lanes(end - first);
    __m512i gram = _mm512_maskz_loadu_epi32(all, m->grams + first);
    __mmask16 small = _mm512_mask_testn_epi32_mask(all, gram, gram);
    __m512i hash = _mm512_mullo_epi32(gram, _mm512_set1_epi32((int)MIX_GRAM));
    hash = _mm512_srl_epi32(hash, _mm_cvtsi32_si128(m->gram_shift));
    __m512i last = _mm512_mask_i32gather_epi32(base, all, hash, m->last, 4);
    return small | _mm512_cmpgt_epu32_mask(last, base);
}
#else
static uint32_t sixteen_at_hand(const Meet *m, uint32_t first, uint32_t end) {
    return m && end != first;
}
#endif

INLINE uint32_t members_at_once(const Meet *m) { return m->wide ? 16 : 1; }

/* Say whether the line may hold a member. */
INLINE uint32_t one_at_hand(const Meet *m, uint32_t member) {
    return !m->grams[member] || last_gram(m, member) > m->base;
}

/* Say which of the next members the line may hold: a bit for each. */
INLINE uint32_t at_hand(const Meet *m, uint32_t first, uint32_t end) {
    if (m->wide && end - first > FEW) return sixteen_at_hand(m, first, end);
    uint32_t some = 0;
    for (uint32_t i = 0; i < members_at_once(m) && first + i < end; i++) some |= one_at_hand(m, first + i) << i;
    return some;
}

/* Say whether the line holds one of a range of members. */
INLINE int holds_one(const Meet *m, uint32_t first, uint32_t end) {
    for (; first < end; first += members_at_once(m))
        for (uint32_t some = at_hand(m, first, end); some; some &= some - 1)
            if (holds_member(m, first + (uint32_t)__builtin_ctz(some))) return 1;
    return 0;
}

/* Say whether the line holds some literal of a set, whose members are given; found out once a line. */
INLINE int holds_set(Meet *m, uint32_t set, uint32_t member, uint32_t end) {
    uint32_t line = (uint32_t)m->row + 1;
    if (m->asked[set] != line) {
        m->asked[set] = line;
        if (holds_one(m, member, end)) m->held[set] = line;
    }
    return m->held[set] == line;
}

/* Find what the line holds of a set, once a line. */
static Status find_set(Meet *m, uint32_t set) {
    Met *met = &m->met[set];
    if (met->line == m->row + 1) return DONE;
    met->line = (uint32_t)m->row + 1;
    met->count = 0;
    uint32_t end = m->members.starts[set + 1];
    for (uint32_t first = m->members.starts[set]; first < end; first += members_at_once(m))
        for (uint32_t some = at_hand(m, first, end); some && met->count <= MOST_HITS; some &= some - 1)
            if (!note_member(m, met, first + (uint32_t)__builtin_ctz(some))) return NO_MEMORY;
    return DONE;
}

#endif
