/* Say of a row whether it may hide another text: a long run of the base64 alphabet, or spaced-out letters.
 * Both look at 64 bytes at a time as words of bits, in which a run is found by shifting. The reference: derive.py. */
#ifndef TOCSIN_ROW_FLAGS_H
#define TOCSIN_ROW_FLAGS_H

#include "lanes.h"

enum { VIEW = 64, BASE64_MIN = 24 };

/* Give 64 bytes to read at p, of which the first n count; near the end of the buffer that is a copy. */
INLINE const uint8_t *view_at(const uint8_t *p, size_t n, const uint8_t *end, uint8_t copy[VIEW]) {
    if (end - p >= VIEW) return p;
    memset(copy, 0, VIEW);
    memcpy(copy, p, n < VIEW ? n : VIEW);
    return copy;
}

INLINE uint64_t base64_bits(const uint8_t *p) {
    uint64_t bits = 0;
    for (int i = 0; i < VIEW; i += 16) {
        Lanes c = lanes_at(p + i), sign = is(c, '+') | is(c, '/') | is(c, '_') | is(c, '-');
        bits |= (uint64_t)bits16(within(c | 32, 'a', 26) | within(c, '0', 10) | sign) << i;
    }
    return bits;
}

/* Say whether 24 bits stand side by side. */
INLINE int has_run(uint64_t bits) {
    bits &= bits >> 1;
    bits &= bits >> 2;
    bits &= bits >> 4;
    return (bits & bits >> 8 & bits >> 16) != 0;
}

/* Say whether a text holds a run of the base64 alphabet that is long enough; `end` is that of the whole buffer. */
INLINE int holds_base64(const uint8_t *p, size_t n, const uint8_t *end) {
    uint8_t copy[VIEW];
    int before = 0;  /* how long a run the last view ends with */
    for (size_t i = 0; i < n; i += VIEW) {
        uint64_t bits = base64_bits(view_at(p + i, n - i, end, copy)) & first_bits(n - i), gaps = ~bits;
        if (!gaps) return 1;
        if (before + __builtin_ctzll(gaps) >= BASE64_MIN || has_run(bits)) return 1;
        before = __builtin_clzll(gaps);
    }
    return 0;
}

enum { OTHER, LETTER, SEPARATOR };

/* One character of a folded line: a letter, a separator of spaced-out letters, or neither. */
INLINE int spacing_class(const uint8_t *p, const uint8_t *end, int *size) {
    *size = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (*size > end - p) *size = (int)(end - p);
    if (*p < 0x80) return is_letter(*p) ? LETTER : memchr(" .-_*|/,'~+", *p, 11) ? SEPARATOR : OTHER;
    if (*size == 2) return p[0] == 0xC2 && p[1] == 0xB7 ? SEPARATOR : OTHER;
    if (*size != 3) return OTHER;
    if (leads_han(p)) return LETTER;
    int bullet = p[0] == 0xE2 && p[1] == 0x80 && p[2] == 0xA2;
    int stop = p[0] == 0xE3 && p[1] == 0x80 && (p[2] == 0x81 || p[2] == 0x82);
    return bullet || stop ? SEPARATOR : OTHER;
}

/* Five letters in a row, none beside another letter, one to three separators between them: derive.SPACED_RUN. */
static int holds_spaced(const uint8_t *p, const uint8_t *end) {
    int run = 0, gap = 0, letters = 0, size;  /* letters: how many stand side by side just before p */
    for (; p < end; p += size) {
        int kind = spacing_class(p, end, &size);
        if (kind == LETTER) { letters++; gap = 0; continue; }
        if (letters == 1 && ++run == 5) return 1;
        if (letters > 1 || kind == OTHER || ++gap > 3) run = 0;
        if (letters > 1 && kind == SEPARATOR) gap = 1;
        letters = 0;
    }
    return letters == 1 && run == 4;
}

/* Bits of this view and of the last one; back(w, k) tells at bit i what stands k bytes before i. */
typedef struct { uint64_t now, last; } Word;
INLINE uint64_t back(Word w, int k) { return k ? w.now << k | w.last >> (64 - k) : w.now; }
INLINE Word then(Word w, uint64_t now) { return (Word){now, w.now}; }

/* The bits of is_letter, and of leads_han. */
INLINE uint64_t letter_bits(const uint8_t *p) {
    uint64_t bits = 0;
    for (int i = 0; i < VIEW; i += 16) {
        Lanes c = lanes_at(p + i);
        bits |= (uint64_t)bits16(within(c, 'a', 26) | within(c, '0', 10)) << i;
    }
    return bits;
}

INLINE uint64_t han_bits(const uint8_t *p) {
    uint64_t bits = 0;
    for (int i = 0; i < VIEW; i += 16) {
        Lanes c = lanes_at(p + i), next = lanes_at(p + i + 1);
        bits |= (uint64_t)bits16(within(c, 0xE4, 6) | (is(c, 0xE3) & ~below(next, 0x90))) << i;
    }
    return bits;
}

/* Letters and Han characters that no other stands beside, told four bytes late: their neighbours must be seen. */
INLINE uint64_t alone_bits(Word letter, Word han) {
    uint64_t lone_letter = back(letter, 4) & ~(back(letter, 3) | back(han, 3));
    uint64_t lone_han = back(han, 4) & ~(back(letter, 1) | back(han, 1));
    return (lone_letter | lone_han) & ~(back(letter, 5) | back(han, 7));
}

/* Those that have another 2 to 4 bytes before them, or 2 to 12 where characters and separators may be of 3 bytes. */
INLINE uint64_t near_bits(Word alone, const int ascii) {
    uint64_t before = back(alone, 2) | back(alone, 3) | back(alone, 4);
    if (!ascii)
        for (int k = 5; k <= 12; k++) before |= back(alone, k);
    return alone.now & before;
}

/* Rule most lines out by bits: a spaced run makes four near pairs that end within 49 bytes, hence in two views.
 * Reads up to 70 bytes behind the line, of which nothing counts. */
INLINE int line_is_spaced(const uint8_t *line, size_t n, const int ascii) {
    Word letter = {0, 0}, han = {0, 0}, alone = {0, 0};
    int here, before = 0;
    for (size_t i = 0; n >= 9 && i < n + 4; i += VIEW, before = here) {
        uint64_t inside = i < n ? first_bits(n - i) : 0;
        letter = then(letter, letter_bits(line + i) & inside);
        if (!ascii) han = then(han, han_bits(line + i) & inside);
        alone = then(alone, alone_bits(letter, han));
        here = alone.now ? __builtin_popcountll(near_bits(alone, ascii)) : 0;
        if (here + before >= 4) return holds_spaced(line, line + n);
    }
    return 0;
}

#endif
