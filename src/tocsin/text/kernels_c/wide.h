/* Eight windows at a time, for processors with AVX-512: what scan.c does one by one, with the same results. */
#ifndef TOCSIN_WIDE_H
#define TOCSIN_WIDE_H

#include "kernels.h"

#ifdef HAS_AVX2_CLONES
#include <immintrin.h>

enum { WIDE = 8, WIDE_READS = 24 };  /* windows of a step, and the bytes that it reads */

/* Lane i holds the 8 bytes from byte i on. */
AVX512 INLINE __m512i windows_at(const uint8_t *p) {
    const __m512i from = _mm512_set_epi8(
        14, 13, 12, 11, 10, 9, 8, 7, 13, 12, 11, 10, 9, 8, 7, 6, 12, 11, 10, 9, 8, 7, 6, 5, 11, 10, 9, 8, 7, 6, 5, 4,
        10, 9, 8, 7, 6, 5, 4, 3, 9, 8, 7, 6, 5, 4, 3, 2, 8, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0);
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), from);
}

AVX512 INLINE __m512i times(__m512i v, uint64_t by) { return _mm512_mullo_epi64(v, _mm512_set1_epi64((long long)by)); }

/* The rows of the n-grams of one size that begin at 8 bytes. */
AVX512 INLINE void name_wide(uint32_t *named, __m512i windows, uint64_t size, int shift) {
    __m512i v = _mm512_and_si512(windows, _mm512_set1_epi64((long long)((1ULL << 8 * size) - 1)));
    __m512i h = times(_mm512_xor_si512(v, _mm512_set1_epi64((long long)(size << 56))), MIX_A);
    h = times(_mm512_xor_si512(h, _mm512_srli_epi64(h, 32)), MIX_C);
    h = _mm512_srl_epi64(h, _mm_cvtsi32_si128(shift));
    _mm256_storeu_si256((__m256i *)named, _mm512_cvtepi64_epi32(h));
}

AVX512 INLINE void name_grams_wide(uint32_t *named, const uint8_t *p, int shift) {
    __m512i windows = windows_at(p);
    for (uint64_t size = 3; size <= 6; size++) name_wide(named + (size - 3) * WIDE, windows, size, shift);
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
#endif
#endif
