/* Eight windows at a time, for processors with AVX-512: what scan.c does one by one, with the same results. */
#ifndef TOCSIN_WIDE_H
#define TOCSIN_WIDE_H

#include "kernels.h"

enum { WIDE = 8, WIDE_READS = 24 };  /* windows of a step, and the bytes that it reads */
enum { MOST_NAMED = 252, STEP_NAMED = 64 };  /* 252 weights fit in 16 bits; a step names at most 65 features */

#ifdef HAS_AVX2_CLONES
#include <immintrin.h>

/* Lane i holds the 8 bytes from byte i on. */
AVX512 INLINE __m512i windows_at(const uint8_t *p) {
    const __m512i from = _mm512_set_epi8(
        14, 13, 12, 11, 10, 9, 8, 7, 13, 12, 11, 10, 9, 8, 7, 6, 12, 11, 10, 9, 8, 7, 6, 5, 11, 10, 9, 8, 7, 6, 5, 4,
        10, 9, 8, 7, 6, 5, 4, 3, 9, 8, 7, 6, 5, 4, 3, 2, 8, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0);
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), from);
}

AVX512 INLINE __m512i times(__m512i v, uint64_t by) { return _mm512_mullo_epi64(v, _mm512_set1_epi64((long long)by)); }

/* The n-grams of all sizes that begin at 8 bytes, as features. */
AVX512 INLINE void name_grams_wide(uint64_t *named, const uint8_t *p) {
    __m512i windows = windows_at(p);
    for (uint64_t size = 3; size <= 6; size++, named += WIDE) {
        __m512i v = _mm512_and_si512(windows, _mm512_set1_epi64((long long)((1ULL << 8 * size) - 1)));
        _mm512_storeu_si512(named, _mm512_xor_si512(v, _mm512_set1_epi64((long long)(size << 56))));
    }
}

/* Hash the 12-byte windows that begin at 8 bytes; write those below a bound, and up to 8 words, and say how many. */
AVX512 INLINE size_t sample_wide(uint64_t *out, const uint8_t *p, uint64_t below) {
    __m512i head = windows_at(p), tail = _mm512_and_si512(windows_at(p + 8), _mm512_set1_epi64(0xFFFFFFFFLL));
    __m512i h = _mm512_xor_si512(times(head, MIX_A), times(tail, MIX_B));
    h = times(_mm512_xor_si512(h, _mm512_srli_epi64(h, 29)), MIX_C);
    h = _mm512_xor_si512(h, _mm512_srli_epi64(h, 32));
    __mmask8 kept = _mm512_cmplt_epu64_mask(h, _mm512_set1_epi64((long long)below));
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi64(kept, h));
    return (size_t)__builtin_popcount(kept);
}

/* Where the rows begin that 8 features name, as bytes of the table. */
AVX512 INLINE __m256i rows_wide(__m512i features, int shift) {
    __m512i h = times(features, MIX_A);
    h = times(_mm512_xor_si512(h, _mm512_srli_epi64(h, 32)), MIX_C);
    return _mm512_cvtepi64_epi32(_mm512_slli_epi64(_mm512_srl_epi64(h, _mm_cvtsi32_si128(shift)), 4));
}

AVX512 INLINE __m256i add_row_wide(__m256i near, const int8_t *row) {
    return _mm256_add_epi16(near, _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)row)));
}

/* Add up the weights of the rows that features name, of which up to 7 behind the last are read. */
AVX512 INLINE void add_rows_wide(int32_t *far, const int8_t *table, const uint64_t *named, size_t count, int shift) {
    uint32_t at[MOST_NAMED + WIDE];
    __m256i even = _mm256_setzero_si256(), odd = even;
    for (size_t i = 0; i < count; i += WIDE)
        _mm256_storeu_si256((__m256i *)(at + i), rows_wide(_mm512_loadu_si512(named + i), shift));
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        even = add_row_wide(add_row_wide(even, table + at[i]), table + at[i + 2]);
        odd = add_row_wide(add_row_wide(odd, table + at[i + 1]), table + at[i + 3]);
    }
    for (; i < count; i++) even = add_row_wide(even, table + at[i]);
    __m512i sums = _mm512_cvtepi16_epi32(_mm256_add_epi16(even, odd));
    _mm512_storeu_si512(far, _mm512_add_epi32(_mm512_loadu_si512(far), sums));
}

/* Add one to the ranks that a number comes before. */
AVX512 INLINE __m512i ranked(__m512i ranks, __mmask8 later) {
    return _mm512_mask_add_epi64(ranks, later, ranks, _mm512_set1_epi64(1));
}

/* Put numbers in order, each behind so many as come before it; of equal ones the first is first. Reads up to 7 more. */
AVX512 INLINE void rank_wide(uint64_t *out, const uint64_t *a, size_t n) {
    uint64_t rank[WIDE];
    for (size_t i = 0, j; i < n; i += WIDE) {
        __m512i own = _mm512_loadu_si512(a + i), ranks = _mm512_setzero_si512();
        size_t stop = n - i < WIDE ? n : i + WIDE;
#define OTHER_WIDE _mm512_set1_epi64((long long)a[j])
        for (j = 0; j < i; j++) ranks = ranked(ranks, _mm512_cmple_epu64_mask(OTHER_WIDE, own));
        for (; j < stop; j++) {
            __mmask8 same = (__mmask8)(_mm512_cmpeq_epu64_mask(OTHER_WIDE, own) & 0xFEU << (j - i));
            ranks = ranked(ranks, _mm512_cmplt_epu64_mask(OTHER_WIDE, own) | same);
        }
        for (; j < n; j++) ranks = ranked(ranks, _mm512_cmplt_epu64_mask(OTHER_WIDE, own));
#undef OTHER_WIDE
        _mm512_storeu_si512(rank, ranks);
        for (j = i; j < stop; j++) out[rank[j - i]] = a[j];
    }
}

/* Compare 8 slots with a hash: one bit for each that holds it, and for each that is empty. */
AVX512 INLINE unsigned slots_wide(const uint64_t *slot, uint64_t hash, unsigned *empty) {
    __m512i slots = _mm512_loadu_si512(slot);
    *empty = _mm512_testn_epi64_mask(slots, slots);
    return _mm512_cmpeq_epu64_mask(slots, _mm512_set1_epi64((long long)hash));
}

AVX512 INLINE void sip_rounds_wide(__m512i v[4], int rounds) {
#define MIXED(a, b, turn) v[a] = _mm512_add_epi64(v[a], v[b]), v[b] = _mm512_xor_si512(_mm512_rol_epi64(v[b], turn), v[a])
    for (; rounds; rounds--) {
        MIXED(0, 1, 13), v[0] = _mm512_rol_epi64(v[0], 32);
        MIXED(2, 3, 16);
        MIXED(0, 3, 21);
        MIXED(2, 1, 17), v[2] = _mm512_rol_epi64(v[2], 32);
    }
#undef MIXED
}

/* SipHash-2-4 of 8 words, each a message of 8 bytes: what siphash.c does one by one. */
AVX512 INLINE void sip_wide(uint64_t *out, uint64_t k0, uint64_t k1, const uint64_t *words) {
#define ALL(word) _mm512_set1_epi64((long long)(word))
    __m512i v[4] = {ALL(k0 ^ 0x736F6D6570736575ULL), ALL(k1 ^ 0x646F72616E646F6DULL), ALL(k0 ^ 0x6C7967656E657261ULL),
                    ALL(k1 ^ 0x7465646279746573ULL)};
    const __m512i blocks[2] = {_mm512_loadu_si512(words), ALL(8ULL << 56)};
    for (int i = 0; i < 2; i++) {
        v[3] = _mm512_xor_si512(v[3], blocks[i]);
        sip_rounds_wide(v, 2);
        v[0] = _mm512_xor_si512(v[0], blocks[i]);
    }
    v[2] = _mm512_xor_si512(v[2], ALL(0xFF));
    sip_rounds_wide(v, 4);
    _mm512_storeu_si512(out, _mm512_xor_si512(_mm512_xor_si512(v[0], v[1]), _mm512_xor_si512(v[2], v[3])));
#undef ALL
}
#endif
#endif
