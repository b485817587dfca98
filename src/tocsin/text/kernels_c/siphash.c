/* SipHash-2-4 of 64-bit values under several keys at once. The reference: siphash.py. */
#include "kernels.h"

#define TURN(x, b) ((x) << (b) | (x) >> (64 - (b)))

typedef struct { const uint8_t *keys; size_t key_count; const uint64_t *words; size_t count; uint64_t *out; } Sip;

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

INLINE Status sip_all(Sip *s) {
    for (size_t key = 0; key < s->key_count; key++) {
        uint64_t k0 = load64(s->keys + 16 * key), k1 = load64(s->keys + 16 * key + 8);
        uint64_t *restrict out = s->out + key * s->count;
        for (size_t i = 0; i < s->count; i++) out[i] = sip(k0, k1, s->words[i]);
    }
    return DONE;
}
CLONES(Status, run_sip, sip_all, Sip)

PyObject *siphash(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int avx2;
    if (!PyArg_ParseTuple(args, "y*y*p", &v[0], &v[1], &avx2)) return NULL;
    PyObject *out = NULL;
    Sip s = {.keys = v[0].buf, .key_count = (size_t)v[0].len / 16, .words = v[1].buf, .count = (size_t)v[1].len / 8};
    if (v[0].len % 16) PyErr_Format(PyExc_ValueError, "keys: %zd bytes are no whole keys of 16", v[0].len);
    else if (holds(&v[1], 8, 0, "words") && (s.key_count < 2 || s.count < SIZE_MAX / 16 / s.key_count) &&
             (out = new_bytes(s.key_count * s.count, 8))) {
        s.out = (uint64_t *)PyBytes_AsString(out);
        Py_BEGIN_ALLOW_THREADS
        run_sip(&s, avx2 && cpu_has_avx2());
        Py_END_ALLOW_THREADS
    } else if (!PyErr_Occurred()) PyErr_NoMemory();
    release(v, 2);
    return out;
}
