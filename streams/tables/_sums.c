/* Additions to cells and to sums by scope, compiled.
 *
 * What it does is defined by `Bucket.add_all`, `ScopeSums.add_plain` and `ScopeSums._add`, and by the tests that add
 * in both ways. Sums are whole numbers of any size.
 */
#include "../struct_slots.h"

#define PAIRED 20

/* Adds to the [customers, value] of a key; one that came to nothing is not kept. `keep_nothing`: a new one is kept. */
static int add_to(PyObject *sums, PyObject *key, PyObject *customers, PyObject *value, int keep_nothing)
{
    PyObject *held = PyDict_GetItemWithError(sums, key), *added[2] = { customers, value };
    if (held == NULL) {
        if (PyErr_Occurred())
            return -1;
        if (!keep_nothing && !PyObject_IsTrue(customers) && !PyObject_IsTrue(value))
            return 0;
        held = PyList_New(2);
        if (held == NULL)
            return -1;
        PyList_SET_ITEM(held, 0, Py_NewRef(customers));
        PyList_SET_ITEM(held, 1, Py_NewRef(value));
        int failed = PyDict_SetItem(sums, key, held);
        Py_DECREF(held);
        return failed;
    }
    if (!PyList_CheckExact(held) || PyList_GET_SIZE(held) != 2) {
        PyErr_SetString(PyExc_TypeError, "sums are to be lists of two numbers");
        return -1;
    }
    int nothing = 1;
    for (int i = 0; i < 2; i++) {
        PyObject *sum = PyNumber_Add(PyList_GET_ITEM(held, i), added[i]);
        if (sum == NULL)
            return -1;
        nothing &= !PyObject_IsTrue(sum);
        if (PyList_SetItem(held, i, sum) < 0)
            return -1;
    }
    return nothing ? PyDict_DelItem(sums, key) : 0;
}

/* Takes (cell, customers, value) apart; borrowed references. */
static int taken_apart(PyObject *addition, PyObject **cell, PyObject **customers, PyObject **value)
{
    if (!PyTuple_CheckExact(addition) || PyTuple_GET_SIZE(addition) != 3 ||
        !PyTuple_CheckExact(PyTuple_GET_ITEM(addition, 0)) || PyTuple_GET_SIZE(PyTuple_GET_ITEM(addition, 0)) == 0) {
        PyErr_Format(PyExc_TypeError, "%R is no addition to a cell", addition);
        return -1;
    }
    *cell = PyTuple_GET_ITEM(addition, 0);
    *customers = PyTuple_GET_ITEM(addition, 1);
    *value = PyTuple_GET_ITEM(addition, 2);
    return 0;
}

PyDoc_STRVAR(add_all_doc,
"add_all(plain, paired, additions)\n\n"
"Add (cell, customers, value) of an iterable to the cells of a Bucket.");

static PyObject *add_all(PyObject *module, PyObject *arguments)
{
    PyObject *plain, *paired, *additions, *addition, *cell, *customers, *value;
    if (!PyArg_ParseTuple(arguments, "O!O!O", &PyDict_Type, &plain, &PyDict_Type, &paired, &additions))
        return NULL;
    PyObject *iterator = PyObject_GetIter(additions);
    if (iterator == NULL)
        return NULL;
    while ((addition = PyIter_Next(iterator)) != NULL) {
        int failed = taken_apart(addition, &cell, &customers, &value);
        if (!failed) {
            PyObject *cells = PyLong_AsLong(PyTuple_GET_ITEM(cell, 0)) >= PAIRED ? paired : plain;
            failed = add_to(cells, cell, customers, value, 1);
        }
        Py_DECREF(addition);
        if (failed)
            break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    PyObject *by_scope, *touched, *changes;
} Sums;

static int add_measure(const Sums *sums, PyObject *scope, PyObject *measure, PyObject *customers, PyObject *value)
{
    PyObject *measures = PyDict_GetItemWithError(sums->by_scope, scope);
    if (measures == NULL) {
        measures = PyErr_Occurred() ? NULL : PyDict_New();
        if (measures == NULL)
            return -1;
        int failed = PyDict_SetItem(sums->by_scope, scope, measures);
        Py_DECREF(measures);  /* the dict holds it */
        if (failed < 0)
            return -1;
    }
    if (!PyDict_CheckExact(measures)) {
        PyErr_SetString(PyExc_TypeError, "the measures of a scope are to be a dict");
        return -1;
    }
    if (add_to(measures, measure, customers, value, 0) < 0 ||
        (PyDict_GET_SIZE(measures) == 0 && PyDict_DelItem(sums->by_scope, scope) < 0) ||
        PySet_Add(sums->touched, scope) < 0)
        return -1;
    if (PyDict_GET_SIZE(sums->changes) > 0) {
        int known = PyDict_Contains(sums->changes, scope);
        if (known < 0 || (known && PyDict_DelItem(sums->changes, scope) < 0))
            return -1;
    }
    return 0;
}

PyDoc_STRVAR(add_plain_doc,
"add_plain(by_scope, touched, changes, places, dimensions, additions)\n\n"
"Add (cell, customers, value) of an iterable to every measure that `places(cell, dimensions)` names.");

static PyObject *add_plain(PyObject *module, PyObject *arguments)
{
    Sums sums;
    PyObject *places, *dimensions, *additions, *addition, *cell, *customers, *value;
    if (!PyArg_ParseTuple(arguments, "O!O!O!OOO", &PyDict_Type, &sums.by_scope, &PySet_Type, &sums.touched,
                          &PyDict_Type, &sums.changes, &places, &dimensions, &additions))
        return NULL;
    PyObject *iterator = PyObject_GetIter(additions);
    if (iterator == NULL)
        return NULL;
    while ((addition = PyIter_Next(iterator)) != NULL) {
        PyObject *found = NULL;
        int failed = taken_apart(addition, &cell, &customers, &value);
        if (!failed) {
            PyObject *asked[] = { cell, dimensions };
            found = PyObject_Vectorcall(places, asked, 2, NULL);
            failed = found == NULL;
            if (!failed && !PyTuple_CheckExact(found)) {
                PyErr_SetString(PyExc_TypeError, "places are to be a tuple of (scope, measure)");
                failed = 1;
            }
        }
        for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(found); i++) {
            PyObject *place = PyTuple_GET_ITEM(found, i);
            failed = add_measure(&sums, PyTuple_GET_ITEM(place, 0), PyTuple_GET_ITEM(place, 1), customers, value);
        }
        Py_XDECREF(found);
        Py_DECREF(addition);
        if (failed)
            break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(add_one_doc, "add_one(by_scope, touched, changes, scope, measure, customers, value)\n\nAdd to one measure of a scope.");

static PyObject *add_one(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 7 || !PyDict_CheckExact(arguments[0]) || !PySet_CheckExact(arguments[1]) ||
        !PyDict_CheckExact(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "add_one takes a dict, a set, a dict, a scope, a measure and two numbers");
        return NULL;
    }
    Sums sums = { arguments[0], arguments[1], arguments[2] };
    if (add_measure(&sums, arguments[3], arguments[4], arguments[5], arguments[6]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "add_all", add_all, METH_VARARGS, add_all_doc },
    { "add_plain", add_plain, METH_VARARGS, add_plain_doc },
    { "add_one", (PyCFunction)(void (*)(void))add_one, METH_FASTCALL, add_one_doc },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_sums", "Additions to cells and to sums by scope, compiled.", -1, methods, NULL, NULL, NULL,
    NULL };

PyMODINIT_FUNC PyInit__sums(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0)
        return NULL;
    return module;
}
