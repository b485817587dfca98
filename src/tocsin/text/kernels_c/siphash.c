/* SipHash-2-4 of 64-bit values under several keys at once. The reference: siphash.py. */
#include "siphash.h"
#include "wide.h"

typedef struct { const uint8_t *keys; size_t key_count; const uint64_t *words; size_t count; uint64_t *out; } Sip;

INLINE Status sip_all(Sip *s) {
    for (size_t key = 0; key < s->key_count; key++) {
        uint64_t k0 = load64(s->keys + 16 * key), k1 = load64(s->keys + 16 * key + 8);
        uint64_t *restrict out = s->out + key * s->count;
        for (size_t i = 0; i < s->count; i++) out[i] = sip(k0, k1, s->words[i]);
    }
    return DONE;
}
CLONES(Status, run_sip, sip_all, Sip)

#ifdef HAS_AVX2_CLONES
/* AVX-512 turns eight words at once, which compilers do not see. */
AVX512_CALL static void sip_eights(Sip *s) {
    for (size_t key = 0; key < s->key_count; key++) {
        uint64_t k0 = load64(s->keys + 16 * key), k1 = load64(s->keys + 16 * key + 8), *out = s->out + key * s->count;
        size_t i = 0;
        for (; i + WIDE <= s->count; i += WIDE) sip_wide(out + i, k0, k1, s->words + i);
        for (; i < s->count; i++) out[i] = sip(k0, k1, s->words[i]);
    }
}
#else
static void sip_eights(Sip *s) { sip_all(s); }
#endif

PyObject *siphash(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer v[2];
    int lanes;
    if (!PyArg_ParseTuple(args, "y*y*i", &v[0], &v[1], &lanes)) return NULL;
    PyObject *out = NULL;
    Sip s = {.keys = v[0].buf, .key_count = (size_t)v[0].len / 16, .words = v[1].buf, .count = (size_t)v[1].len / 8};
    if (v[0].len % 16) PyErr_Format(PyExc_ValueError, "keys: %zd bytes are no whole keys of 16", v[0].len);
    else if (holds(&v[1], 8, 0, "words") && (s.key_count < 2 || s.count < SIZE_MAX / 16 / s.key_count) &&
             (out = new_bytes(s.key_count * s.count, 8))) {
        s.out = (uint64_t *)PyBytes_AsString(out);
        Py_BEGIN_ALLOW_THREADS
        if (lanes > 1 && cpu_has_avx512()) sip_eights(&s);
        else run_sip(&s, lanes && cpu_has_avx2());
        Py_END_ALLOW_THREADS
    } else if (!PyErr_Occurred()) PyErr_NoMemory();
    release(v, 2);
    return out;
}
