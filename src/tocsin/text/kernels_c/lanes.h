/* Sixteen bytes at a time, and one bit a byte: compare lanes, then gather the top bit of each into a word.
 * Vectors are of 16 bytes in every clone, since compilers take longer ones apart where the processor has none. */
#ifndef TOCSIN_LANES_H
#define TOCSIN_LANES_H

#include "kernels.h"

#if defined(__x86_64__) && !defined(TOCSIN_PORTABLE)
#include <emmintrin.h>
#elif defined(__aarch64__) && !defined(TOCSIN_PORTABLE)
#include <arm_neon.h>
#endif

typedef uint8_t Lanes __attribute__((vector_size(16)));  /* bytes, or truths: 0xFF and 0 */

INLINE Lanes lanes_at(const uint8_t *p) { Lanes v; memcpy(&v, p, 16); return v; }
INLINE Lanes is(Lanes v, uint8_t byte) { return (Lanes)(v == byte); }
INLINE Lanes below(Lanes v, uint8_t limit) { return (Lanes)(v < limit); }
INLINE Lanes within(Lanes v, uint8_t first, uint8_t count) { return below(v - first, count); }

/* Gather 16 truths. */
INLINE uint32_t bits16(Lanes truth) {
#if defined(__x86_64__) && !defined(TOCSIN_PORTABLE)
    return (uint32_t)_mm_movemask_epi8((__m128i)truth);
#elif defined(__aarch64__) && !defined(TOCSIN_PORTABLE)
    const Lanes place = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bit = (uint8x16_t)(truth & place);
    return (uint32_t)vaddv_u8(vget_low_u8(bit)) | (uint32_t)vaddv_u8(vget_high_u8(bit)) << 8;
#else
    uint64_t half[2];
    memcpy(half, &truth, 16);
    for (int i = 0; i < 2; i++) half[i] = (half[i] & 0x0101010101010101ULL) * 0x0102040810204080ULL >> 56;
    return (uint32_t)(half[0] | half[1] << 8);
#endif
}

/* The bits of the first n of 64 bytes. */
INLINE uint64_t first_bits(size_t n) { return n < 64 ? (1ULL << n) - 1 : ~0ULL; }

#endif
