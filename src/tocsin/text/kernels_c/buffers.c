/* Take buffers from Python, give bytes back, and say what was wrong with them. */
#include "kernels.h"

PyObject *fail(Status status, size_t row) {
    if (status == NO_MEMORY) return PyErr_NoMemory();
    static const char *const what[] = {[BAD_OFFSETS] = "offsets leave the buffer or do not rise",
        [BAD_UTF8] = "text is not UTF-8", [BAD_FOLD_TABLE] = "fold table is unsound",
        [BAD_ALARM_TABLE] = "alarm table is unsound", [BAD_DEMANDS] = "demands are unsound"};
    return PyErr_Format(PyExc_ValueError, "%s at row %zu", what[status], row);
}

/* Say whether a buffer holds whole, aligned items, and at least so many. */
int holds(const Py_buffer *view, size_t item, size_t least, const char *name) {
    if (view->len % (Py_ssize_t)item == 0 && (size_t)view->len / item >= least &&
        (!view->len || (uintptr_t)view->buf % item == 0)) return 1;
    PyErr_Format(PyExc_ValueError, "%s: %zd bytes are not %zu or more aligned items of %zu", name, view->len, least, item);
    return 0;
}

void release(Py_buffer *views, int count) {
    for (int i = 0; i < count; i++) PyBuffer_Release(&views[i]);
}

PyObject *new_bytes(size_t count, size_t item) {
    if (count > (size_t)PY_SSIZE_T_MAX / item) return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * item));
    if (bytes) memset(PyBytes_AsString(bytes), 0, count * item);
    return bytes;
}
