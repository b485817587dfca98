/* The fold table's entries, and the code points that they are asked for. */
#ifndef TOCSIN_ENTRIES_H
#define TOCSIN_ENTRIES_H

#include "kernels.h"

/* What a code point folds to, see packed_table.py: itself, up to three bytes held here, or a counted string in the pool. */
#define SELF (1u << 28)
#define LOOKS_ALIKE (1u << 27)
#define POOLED (1u << 26)
#define SIZE(entry) (((entry) >> 24) & 3)
#define LOW24 0xFFFFFFu

#define PLANES_PAGES 0x1100  /* pages of 256 code points */

/* Decode one code point strictly; 0 bytes where the text is not UTF-8. */
INLINE int decode(const uint8_t *p, const uint8_t *end, uint32_t *code) {
    uint32_t a = p[0];
    if (a < 0x80) { *code = a; return 1; }
    if (a >= 0xC2 && a < 0xE0) {
        if (end - p < 2 || (p[1] & 0xC0) != 0x80) return 0;
        *code = (a & 31) << 6 | (p[1] & 63);
        return 2;
    }
    if (a >= 0xE0 && a < 0xF0) {
        if (end - p < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return 0;
        *code = (a & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
        return *code < 0x800 || (*code & 0xF800) == 0xD800 ? 0 : 3;
    }
    if (a < 0xF0 || a > 0xF4 || end - p < 4) return 0;
    if ((p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80) return 0;
    *code = (a & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
    return *code < 0x10000 || *code > 0x10FFFF ? 0 : 4;
}

#endif
