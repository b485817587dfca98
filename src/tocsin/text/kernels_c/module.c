/* The extension module: one row a kernel. */
#include "kernels.h"

static PyObject *has_avx2(PyObject *module, PyObject *args) {
    (void)module;
    (void)args;
    return PyBool_FromLong(cpu_has_avx2());
}

static PyObject *has_avx512(PyObject *module, PyObject *args) {
    (void)module;
    (void)args;
    return PyBool_FromLong(cpu_has_avx512());
}

static PyMethodDef methods[] = {
    {"fold_join", fold_join, METH_VARARGS,
     "fold_join(data, offsets, pages, entries, pool, avx2) -> (bytearray, starts, flags)"},
    {"scan_lines", scan_lines, METH_VARARGS,
     "scan_lines(buffer, offsets, kept, asked, table, features, lanes) -> (starts, hashes, sums); lanes 1: AVX2, 2: AVX-512"},
    {"list_rows", list_rows, METH_VARARGS, "list_rows(buffer, offsets, bits, features) -> (starts, rows)"},
    {"siphash", siphash, METH_VARARGS, "siphash(keys, words, lanes) -> one row of hashes a key"},
    {"probe_vote", probe_vote, METH_VARARGS,
     "probe_vote(keys, values, starts, postings, need, seconds, begin, windows, hashes, offsets, most, lanes) -> (row, "
     "alarm, hits) triples"},
    {"count_posted", count_posted, METH_VARARGS, "count_posted(postings, alarms) -> a byte an alarm, at most 255"},
    {"meet_demands", meet_demands, METH_VARARGS,
     "meet_demands((buffer, offsets, columns, *demands), lanes) -> line << 32 | demand and the place of a lone literal, by line"},
    {"original_spans", original_spans, METH_VARARGS,
     "original_spans(data, offsets, pages, entries, pool, (row, start, end) triples) -> (start, end) pairs"},
    {"densest_stretches", densest_stretches, METH_VARARGS,
     "densest_stretches(buffer, offsets, key, wanted, begin, stretch, (line, alarm) pairs) -> (held, first, last) triples"},
    {"count_scripts", count_scripts, METH_VARARGS, "count_scripts(buffer, offsets, avx2) -> (han, characters)"},
    {"are_utf8", are_utf8, METH_VARARGS, "are_utf8(data, offsets, avx2) -> whether all between two offsets is UTF-8"},
    {"keep_demands", keep_demands, METH_VARARGS, "keep_demands(demands) -> a checked copy"},
    {"meet_kept", meet_kept, METH_VARARGS, "meet_kept(buffer, offsets, columns, kept, lanes) -> as meet_demands"},
    {"has_avx2", has_avx2, METH_NOARGS, "has_avx2() -> whether this processor runs the AVX2 clones"},
    {"has_avx512", has_avx512, METH_NOARGS, "has_avx512() -> whether this processor runs the AVX-512 clones"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "tocsin.text._kernels", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&definition); }
