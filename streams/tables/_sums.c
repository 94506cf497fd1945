/* Additions to cells and to sums by scope, compiled.
 *
 * What it does is defined by `Bucket.add_all`, `add_cells`, `ScopeSums.add_plain`, `ScopeSums._add`, `PairedSums.add`
 * and `dependent_on_start`, and by the tests that add in both ways. Sums are whole numbers of any size, minutes have
 * 64 bits.
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

/* Goes through the cells of a dict or of an iterable of additions. */
typedef struct {
    PyObject *cells, *iterator, *addition;
    Py_ssize_t place;
} Walk;

static int walk_begin(Walk *walk, PyObject *cells)
{
    *walk = (Walk){ .cells = cells };
    if (!PyDict_CheckExact(cells))
        walk->iterator = PyObject_GetIter(cells);
    return PyDict_CheckExact(cells) || walk->iterator != NULL ? 0 : -1;
}

static void walk_end(Walk *walk)
{
    Py_CLEAR(walk->addition);
    Py_CLEAR(walk->iterator);
}

/* The next cell, borrowed until the one after it; 0 at the end, -1 with an exception. */
static int walk_next(Walk *walk, PyObject **cell, PyObject **customers, PyObject **value)
{
    if (walk->iterator != NULL) {
        Py_XSETREF(walk->addition, PyIter_Next(walk->iterator));
        if (walk->addition == NULL)
            return PyErr_Occurred() ? -1 : 0;
        return taken_apart(walk->addition, cell, customers, value) < 0 ? -1 : 1;
    }
    PyObject *held;
    if (!PyDict_Next(walk->cells, &walk->place, cell, &held))
        return 0;
    if (!PyTuple_CheckExact(*cell) || PyTuple_GET_SIZE(*cell) == 0 || !PyList_CheckExact(held) ||
        PyList_GET_SIZE(held) != 2) {
        PyErr_SetString(PyExc_TypeError, "cells are to be a dict of tuples and lists of two numbers");
        return -1;
    }
    *customers = PyList_GET_ITEM(held, 0);
    *value = PyList_GET_ITEM(held, 1);
    return 1;
}

PyDoc_STRVAR(add_cells_doc, "add_cells(sums, cells)\n\nAdd cells to sums of cells, both {cell: [customers, value]}.");

static PyObject *add_cells(PyObject *module, PyObject *arguments)
{
    PyObject *sums, *cells, *cell, *customers, *value;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyDict_Type, &sums, &PyDict_Type, &cells))
        return NULL;
    Walk walk;
    int more = walk_begin(&walk, cells);
    while (more >= 0 && (more = walk_next(&walk, &cell, &customers, &value)) > 0)
        if (add_to(sums, cell, customers, value, 1) < 0)
            more = -1;
    walk_end(&walk);
    if (more < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Places in a cell and in the numbers of a stay, and dimensions, as in cells.py and scopes.py. */
enum { CODE, SEGMENT, REGION, PRODUCT, A, NUMBERS = 7, CELL_FIELDS };
enum { HOW, ENDED, OPENED, TOTAL_FROM, SEGMENT_FROM, REGION_FROM, PRODUCT_FROM, STEPS };
enum { IN_TOTAL = 1, IN_SEGMENT = 2, IN_REGION = 4, IN_PRODUCT = 8, IN_SEGMENT_REGION = 16 };
#define STAY 22
#define MOST_WINDOWS 64

/* The code and the numbers of a paired cell, borrowed; a stay that no window but `all` holds has no steps. */
static int paired_cell(PyObject *cell, long *code, PyObject **numbers)
{
    if (PyTuple_GET_SIZE(cell) == CELL_FIELDS) {
        *code = PyLong_AsLong(PyTuple_GET_ITEM(cell, CODE));
        *numbers = PyTuple_GET_ITEM(cell, NUMBERS);
        if (*code == -1 && PyErr_Occurred())
            return -1;
        if (PyTuple_CheckExact(*numbers) && PyTuple_GET_SIZE(*numbers) >= (*code == STAY ? STEPS : 1))
            return 0;
    }
    PyErr_Format(PyExc_TypeError, "%R is no paired cell", cell);
    return -1;
}

/* Number `place`; -1 may be an error. */
static long long number_at(PyObject *numbers, Py_ssize_t place)
{
    return PyLong_AsLongLong(PyTuple_GET_ITEM(numbers, place));
}

static long long smaller(long long a, long long b) { return a < b ? a : b; }
static long long larger(long long a, long long b) { return a > b ? a : b; }

/* How many of the starts, in order, are not after `minute`: bisect_right. */
static int not_after(const long long *starts, int count, long long minute)
{
    int found = 0;
    while (found < count && starts[found] <= minute)
        found++;
    return found;
}

/* Adds to the [customers, value] of a place; it is kept whatever it comes to. */
static int gather(PyObject *found, PyObject *place, PyObject *customers, PyObject *value)
{
    PyObject *held = PyDict_GetItemWithError(found, place), *added[2] = { customers, value };
    if (held == NULL) {
        if (PyErr_Occurred() || (held = PyList_New(2)) == NULL)
            return -1;
        PyList_SET_ITEM(held, 0, Py_NewRef(customers));
        PyList_SET_ITEM(held, 1, Py_NewRef(value));
        int failed = PyDict_SetItem(found, place, held);
        Py_DECREF(held);
        return failed;
    }
    for (int i = 0; i < 2; i++) {
        PyObject *sum = PyNumber_Add(PyList_GET_ITEM(held, i), added[i]);
        if (sum == NULL || PyList_SetItem(held, i, sum) < 0)
            return -1;
    }
    return 0;
}

/* What a stay means for a window with this start, by dimension: `_stay`. */
static int gather_stay(PyObject *found, long dimensions, long long start, PyObject *cell, PyObject *numbers,
                       const long long *from, long ended, long opened, PyObject *customers, PyObject *value)
{
    PyObject *held_then = NULL;  /* customers times the value when the window began */
    int failed = 0;
    for (int dimension = IN_TOTAL; !failed && dimension <= IN_SEGMENT_REGION; dimension <<= 1) {
        if (!(dimension & dimensions & ended))
            continue;
        long long began = dimension == IN_TOTAL ? from[0] : dimension == IN_SEGMENT ? from[1]
            : dimension == IN_REGION ? from[2] : dimension == IN_PRODUCT ? from[3] : larger(from[1], from[2]);
        PyObject *counted = value;
        if (began < start) {
            if (held_then == NULL) {
                Py_ssize_t last = STEPS;
                if (PyTuple_GET_SIZE(numbers) < STEPS + 2) {
                    PyErr_SetString(PyExc_IndexError, "a stay without steps is in a window that began after it");
                    return -1;
                }
                for (Py_ssize_t place = STEPS; place + 1 < PyTuple_GET_SIZE(numbers); place += 2) {
                    long long minute = number_at(numbers, place);
                    if (minute == -1 && PyErr_Occurred())
                        return -1;
                    if (minute >= start)
                        break;
                    last = place;
                }
                held_then = PyNumber_Multiply(customers, PyTuple_GET_ITEM(numbers, last + 1));
                if (held_then == NULL)
                    return -1;
            }
            counted = held_then;
        } else if (!(opened & dimension)) {
            continue;
        }
        PyObject *place = Py_BuildValue("(iOOOO)", dimension, PyTuple_GET_ITEM(cell, SEGMENT),
                                        PyTuple_GET_ITEM(cell, REGION), PyTuple_GET_ITEM(cell, PRODUCT),
                                        PyTuple_GET_ITEM(numbers, HOW));
        failed = place == NULL || gather(found, place, customers, counted) < 0;
        Py_XDECREF(place);
    }
    Py_XDECREF(held_then);
    return failed ? -1 : 0;
}

/* How many customers gained, or recommended, since a window began: adds to a whole number. */
static int gather_held(PyObject *held, PyObject *cell, PyObject *customers)
{
    PyObject *place = PyTuple_GetSlice(cell, CODE, A + 1);
    PyObject *before = place == NULL ? NULL : PyDict_GetItemWithError(held, place);
    PyObject *sum = NULL;
    if (before != NULL)
        sum = PyNumber_Add(before, customers);
    else if (!PyErr_Occurred())
        sum = Py_NewRef(customers);
    int failed = sum == NULL ? -1 : PyDict_SetItem(held, place, sum);
    Py_XDECREF(sum);
    Py_XDECREF(place);
    return failed;
}

PyDoc_STRVAR(gather_paired_doc,
"gather_paired(cells, starts, dimensions, held_by, stays)\n\n"
"Gather what paired cells, a dict or an iterable of additions, mean for windows that start at `starts`, in order.");

static PyObject *gather_paired(PyObject *module, PyObject *arguments)
{
    PyObject *cells, *lists[4], *cell, *customers, *value, *numbers;
    if (!PyArg_ParseTuple(arguments, "OO!O!O!O!", &cells, &PyList_Type, &lists[0], &PyList_Type, &lists[1], &PyList_Type,
                          &lists[2], &PyList_Type, &lists[3]))
        return NULL;
    int windows = (int)PyList_GET_SIZE(lists[0]);
    long long starts[MOST_WINDOWS];
    long dimensions[MOST_WINDOWS], code;
    if (windows < 1 || windows > MOST_WINDOWS || PyList_GET_SIZE(lists[1]) != windows ||
        PyList_GET_SIZE(lists[2]) != windows || PyList_GET_SIZE(lists[3]) != windows)
        return PyErr_Format(PyExc_ValueError, "gather_paired takes 1 to %d windows", MOST_WINDOWS);
    for (int i = 0; i < windows; i++) {
        starts[i] = PyLong_AsLongLong(PyList_GET_ITEM(lists[0], i));
        dimensions[i] = PyLong_AsLong(PyList_GET_ITEM(lists[1], i));
        if (PyErr_Occurred())
            return NULL;
        if (!PyDict_CheckExact(PyList_GET_ITEM(lists[2], i)) || !PyDict_CheckExact(PyList_GET_ITEM(lists[3], i)))
            return PyErr_Format(PyExc_TypeError, "gather_paired gathers in dicts");
    }
    Walk walk;
    int more = walk_begin(&walk, cells);
    while (more >= 0 && (more = walk_next(&walk, &cell, &customers, &value)) > 0) {
        if (paired_cell(cell, &code, &numbers) < 0) {
            more = -1;
        } else if (code != STAY) {
            int holding = not_after(starts, windows, number_at(numbers, 0));
            if (PyErr_Occurred() ||
                (holding > 0 && gather_held(PyList_GET_ITEM(lists[2], holding - 1), cell, customers) < 0))
                more = -1;
        } else {
            long long from[4];
            long ended = (long)number_at(numbers, ENDED), opened = (long)number_at(numbers, OPENED);
            for (int i = 0; i < 4; i++)
                from[i] = number_at(numbers, TOTAL_FROM + i);
            if (PyErr_Occurred()) {
                more = -1;
                break;
            }
            /* Most stays began within a long window, in every dimension: they say nothing there. */
            long long began = smaller(smaller(from[0], from[1]), smaller(from[2], from[3]));
            for (int i = opened ? 0 : not_after(starts, windows, began); more > 0 && i < windows; i++)
                if (gather_stay(PyList_GET_ITEM(lists[3], i), dimensions[i], starts[i], cell, numbers, from, ended,
                                opened, customers, value) < 0)
                    more = -1;
        }
    }
    walk_end(&walk);
    if (more < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(dependent_on_start_doc,
"dependent_on_start(cells, old, new)\n\n"
"The paired cells that mean something else for a window that starts at `new` than at `old` < `new`.");

static PyObject *dependent_on_start(PyObject *module, PyObject *arguments)
{
    PyObject *cells, *cell, *customers, *value, *numbers, *found;
    long long old, new;
    long code;
    if (!PyArg_ParseTuple(arguments, "O!LL", &PyDict_Type, &cells, &old, &new) || (found = PyList_New(0)) == NULL)
        return NULL;
    Walk walk;
    int more = walk_begin(&walk, cells);
    while (more >= 0 && (more = walk_next(&walk, &cell, &customers, &value)) > 0) {
        if (paired_cell(cell, &code, &numbers) < 0) {
            more = -1;
            break;
        }
        int depends = 0;
        Py_ssize_t place = code == STAY ? TOTAL_FROM : 0, end = code == STAY ? PyTuple_GET_SIZE(numbers) : 1;
        for (; !depends && place < end; place += place < STEPS ? 1 : 2) {
            long long minute = number_at(numbers, place);
            depends = old <= minute && minute < new;
        }
        if (PyErr_Occurred()) {
            more = -1;
        } else if (depends) {
            PyObject *addition = PyTuple_Pack(3, cell, customers, value);
            if (addition == NULL || PyList_Append(found, addition) < 0)
                more = -1;
            Py_XDECREF(addition);
        }
    }
    walk_end(&walk);
    if (more < 0)
        Py_CLEAR(found);
    return found;
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
    { "add_cells", add_cells, METH_VARARGS, add_cells_doc },
    { "gather_paired", gather_paired, METH_VARARGS, gather_paired_doc },
    { "dependent_on_start", dependent_on_start, METH_VARARGS, dependent_on_start_doc },
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
