/* Find where in a line a literal's window may stand: by the filter of what windows begin with, then by that of windows. */
#ifndef TOCSIN_SIFT_H
#define TOCSIN_SIFT_H

#include "kernels.h"
#ifdef HAS_AVX2_CLONES
#include <immintrin.h>
#endif

#define MIX_GRAM 0x9E3779B1u
enum { GRAM = 4, WIDTHS = 5 };
static const uint8_t width_of[WIDTHS] = {8, 4, 3, 2, 1};  /* bytes of the windows by which literals are found */

typedef struct { const uint32_t *starts; size_t lists; const uint32_t *items; size_t listed; } Lists;
typedef struct {
    const uint32_t *grams; int grams_shift;
    const uint64_t *filter; int filter_shift;
    const uint64_t *keys; const uint32_t *values; size_t slots; int shift;
    Lists literals;                        /* by window */
    int widths;                            /* bit i: some window has width_of[i] bytes */
} Windows;

enum { STRETCH = 512 };
/* Places of a stretch: where windows may begin, then the windows that the filters let pass. Both may be written 16 or 8
 * at a time. */
typedef struct {
    uint32_t place[STRETCH + 16];
    uint64_t hash[STRETCH * WIDTHS + 8], at[STRETCH * WIDTHS + 8];
} Sifted;

INLINE uint64_t load_some(const uint8_t *p, const uint8_t *limit) {
    if (limit - p >= 8) return load64(p);
    uint64_t v = 0;
    memcpy(&v, p, (size_t)(limit - p));
    return v;
}

INLINE uint64_t lowest_bytes(uint64_t v, size_t count) { return v & UINT64_MAX >> (64 - 8 * count); }

INLINE uint64_t window_hash(uint64_t bytes, size_t width) {
    uint64_t hash = (lowest_bytes(bytes, width) ^ width * MIX_B) * MIX_A;
    return hash ? hash : 1;
}

/* Say whether windows begin with these four bytes. */
INLINE uint32_t begins_window(const Windows *w, uint32_t gram) {
    return w->grams[(gram & 0xFFFFFF) * MIX_GRAM >> w->grams_shift] >> (gram >> 24 & 31) & 1;
}

INLINE uint64_t filtered(const Windows *w, uint64_t hash) {
    uint64_t bit = hash >> w->filter_shift;
    return w->filter[bit / 64] >> bit % 64 & 1;
}

#ifdef HAS_AVX2_CLONES
/* Lane i holds the 4 bytes from byte i on; 32 bytes are read. */
AVX512 INLINE __m512i grams_at(const uint8_t *p) {
    const __m512i words = _mm512_set_epi32(6, 5, 4, 3, 5, 4, 3, 2, 4, 3, 2, 1, 3, 2, 1, 0);
    const __m128i from = _mm_set_epi8(6, 5, 4, 3, 5, 4, 3, 2, 4, 3, 2, 1, 3, 2, 1, 0);
    __m512i bytes = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, bytes), _mm512_broadcast_i32x4(from));
}

/* The first of up to sixteen lanes. */
AVX512 INLINE __mmask16 first_lanes(size_t count) { return (__mmask16)(count < 16 ? (1u << count) - 1 : 0xFFFF); }

/* Do what `sift_grams` does, sixteen by sixteen, for as many places as have bytes enough behind them; say how many. */
AVX512_CALL static size_t sift_grams_wide(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit,
                                          Sifted *s, size_t *found) {
    enum { LANES32 = 16, READS = 32 };
    const __m128i shift = _mm_cvtsi32_si128(w->grams_shift);
    __m512i place = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t i = 0, kept = 0;
    for (; i < count && (size_t)(limit - p) >= i + READS; i += LANES32) {
        __m512i gram = grams_at(p + i), first = _mm512_and_si512(gram, _mm512_set1_epi32(0xFFFFFF));
        __m512i at = _mm512_srl_epi32(_mm512_mullo_epi32(first, _mm512_set1_epi32((int)MIX_GRAM)), shift);
        __m512i bit = _mm512_and_si512(_mm512_srli_epi32(gram, 24), _mm512_set1_epi32(31));
        __m512i held = _mm512_srlv_epi32(_mm512_i32gather_epi32(at, w->grams, 4), bit);
        __mmask16 passed = _mm512_mask_test_epi32_mask(first_lanes(count - i), held, _mm512_set1_epi32(1));
        _mm512_storeu_si512(s->place + kept, _mm512_maskz_compress_epi32(passed, place));
        kept += (size_t)__builtin_popcount(passed);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(LANES32));
    }
    *found = kept;
    return i < count ? i : count;
}

/* Do what `sift_windows` does for as many places as go eight by eight; say how many. */
AVX512_CALL static size_t sift_windows_wide(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit,
                                            Sifted *s, size_t *found) {
    enum { LANES64 = 8 };
    const __m128i shift = _mm_cvtsi32_si128(w->filter_shift);
    size_t n = 0, kept = 0;
    for (; n + LANES64 <= count && (size_t)(limit - p) >= s->place[n + LANES64 - 1] + 8; n += LANES64) {
        __m512i place = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(s->place + n)));
        __m512i bytes = _mm512_i64gather_epi64(place, p, 1);
        for (int i = 0; i < WIDTHS; i++) {
            if (!(w->widths >> i & 1)) continue;
            uint64_t width = width_of[i];
            __m512i hash = _mm512_and_si512(bytes, _mm512_set1_epi64((long long)(UINT64_MAX >> (64 - 8 * width))));
            hash = _mm512_xor_si512(hash, _mm512_set1_epi64((long long)(width * MIX_B)));
            hash = _mm512_mullo_epi64(hash, _mm512_set1_epi64((long long)MIX_A));
            hash = _mm512_max_epu64(hash, _mm512_set1_epi64(1));
            __m512i bit = _mm512_srl_epi64(hash, shift);
            __m512i held = _mm512_i64gather_epi64(_mm512_srli_epi64(bit, 6), w->filter, 8);
            held = _mm512_srlv_epi64(held, _mm512_and_si512(bit, _mm512_set1_epi64(63)));
            __mmask8 passed = _mm512_test_epi64_mask(held, _mm512_set1_epi64(1));
            _mm512_storeu_si512(s->hash + kept, _mm512_maskz_compress_epi64(passed, hash));
            _mm512_storeu_si512(s->at + kept, _mm512_maskz_compress_epi64(passed, place));
            kept += (size_t)__builtin_popcount(passed);
        }
    }
    *found = kept;
    return n;
}
#else
static size_t sift_grams_wide(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit, Sifted *s,
                              size_t *found) {
    (void)w, (void)p, (void)count, (void)limit, (void)s, (void)found;
    return 0;
}

static size_t sift_windows_wide(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit, Sifted *s,
                                size_t *found) {
    (void)w, (void)p, (void)count, (void)limit, (void)s, (void)found;
    return 0;
}
#endif

/* List the places of a stretch where a window may begin. */
INLINE size_t sift_grams(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit, Sifted *s, int wide) {
    size_t found = 0, i = wide ? sift_grams_wide(w, p, count, limit, s, &found) : 0;
    for (; i < count; i++) {
        uint32_t gram = (size_t)(limit - p) >= i + GRAM ? load32(p + i) : (uint32_t)load_some(p + i, limit);
        s->place[found] = (uint32_t)i;
        found += begins_window(w, gram);
    }
    return found;
}

/* List the windows that the filter lets pass, of those that begin at the first `count` places. */
INLINE size_t sift_windows(const Windows *w, const uint8_t *p, size_t count, const uint8_t *limit, Sifted *s, int wide) {
    size_t found = 0, n = wide ? sift_windows_wide(w, p, count, limit, s, &found) : 0;
    for (; n < count; n++) {
        uint64_t bytes = load_some(p + s->place[n], limit);
        for (int i = 0; i < WIDTHS; i++) {
            if (!(w->widths >> i & 1)) continue;
            s->hash[found] = window_hash(bytes, width_of[i]);
            s->at[found] = s->place[n];
            found += filtered(w, s->hash[found]);
        }
    }
    return found;
}
#endif
