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

/* Sort by merging sorted runs, so that no order of hashes is slow; the spare holds as many. */
void sort_hashes(uint64_t *a, size_t n, uint64_t *spare) {
    enum { RUN = 16 };
    for (size_t lo = 0; lo < n; lo += RUN)
        for (size_t i = lo + 1; i < n && i < lo + RUN; i++) {
            uint64_t h = a[i];
            size_t j = i;
            for (; j > lo && a[j - 1] > h; j--) a[j] = a[j - 1];
            a[j] = h;
        }
    for (size_t width = RUN; width < n; width *= 2)
        for (size_t lo = 0; lo + width < n; lo += 2 * width) {
            size_t hi = n - lo < 2 * width ? n : lo + 2 * width, left = 0, right = lo + width;
            memcpy(spare, a + lo, width * sizeof *a);
            for (size_t at = lo; left < width; at++)
                a[at] = right == hi || spare[left] <= a[right] ? spare[left++] : a[right++];
        }
}
