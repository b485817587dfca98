/* SipHash-2-4 of one word. The reference: siphash.py. */
#ifndef TOCSIN_SIPHASH_H
#define TOCSIN_SIPHASH_H

#include "kernels.h"

#define TURN(x, b) ((x) << (b) | (x) >> (64 - (b)))

INLINE void sip_rounds(uint64_t v[4], int rounds) {
    for (; rounds; rounds--) {
        v[0] += v[1]; v[1] = TURN(v[1], 13) ^ v[0]; v[0] = TURN(v[0], 32);
        v[2] += v[3]; v[3] = TURN(v[3], 16) ^ v[2];
        v[0] += v[3]; v[3] = TURN(v[3], 21) ^ v[0];
        v[2] += v[1]; v[1] = TURN(v[1], 17) ^ v[2]; v[2] = TURN(v[2], 32);
    }
}

/* SipHash-2-4 of a message of 8 bytes: one block, and the block that holds the length. */
INLINE uint64_t sip(uint64_t k0, uint64_t k1, uint64_t word) {
    uint64_t v[4] = {k0 ^ 0x736F6D6570736575ULL, k1 ^ 0x646F72616E646F6DULL, k0 ^ 0x6C7967656E657261ULL,
                     k1 ^ 0x7465646279746573ULL};
    const uint64_t blocks[2] = {word, 8ULL << 56};
    for (int i = 0; i < 2; i++) {
        v[3] ^= blocks[i];
        sip_rounds(v, 2);
        v[0] ^= blocks[i];
    }
    v[2] ^= 0xFF;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
