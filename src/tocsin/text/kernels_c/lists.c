/* Lists that grow, and a sort whose time no input can spoil. */
#include "kernels.h"

int reserve(List *list, size_t more) {
    if (more <= list->capacity - list->size) return 1;
    if (more > SIZE_MAX / 16 - list->size) return 0;
    size_t capacity = (list->size + more) * 2;
    uint64_t *item = realloc(list->item, capacity * sizeof *item);
    if (!item) return 0;
    list->item = item;
    list->capacity = capacity;
    return 1;
}

/* Merge sorted runs, so that no order of numbers is slow, without a branch that could be guessed wrongly. */
void merge_runs(uint64_t *a, size_t n, uint64_t *spare, size_t width) {
    for (; width < n; width *= 2)
        for (size_t lo = 0; lo + width < n; lo += 2 * width) {
            size_t hi = n - lo < 2 * width ? n : lo + 2 * width, left = 0, right = lo + width, at = lo;
            memcpy(spare, a + lo, width * sizeof *a);
            for (; left < width && right < hi; at++) {
                uint64_t one = spare[left], other = a[right];
                int first = one <= other;
                a[at] = first ? one : other;
                left += (size_t)first, right += (size_t)!first;
            }
            memcpy(a + at, spare + left, (width - left) * sizeof *a);
        }
}

/* Hashes are in no order: count how many stand before each, without a branch that could be guessed wrongly. */
void sort_hashes(uint64_t *a, size_t n, uint64_t *spare) {
    enum { RUN = 32 };
    for (size_t lo = 0; lo < n; lo += RUN) {
        size_t size = n - lo < RUN ? n - lo : RUN;
        memcpy(spare, a + lo, size * sizeof *a);
        for (size_t i = 0; i < size; i++) {
            size_t rank = lo;
            for (size_t j = 0; j < i; j++) rank += spare[j] <= spare[i];
            for (size_t j = i + 1; j < size; j++) rank += spare[j] < spare[i];
            a[rank] = spare[i];
        }
    }
    merge_runs(a, n, spare, RUN);
}

/* Votes come as lists that rise: most stand where they belong. */
void sort_votes(uint64_t *a, size_t n, uint64_t *spare) {
    enum { RUN = 16 };
    for (size_t lo = 0; lo < n; lo += RUN)
        for (size_t i = lo + 1; i < n && i < lo + RUN; i++) {
            uint64_t vote = a[i];
            size_t j = i;
            for (; j > lo && a[j - 1] > vote; j--) a[j] = a[j - 1];
            a[j] = vote;
        }
    merge_runs(a, n, spare, RUN);
}
