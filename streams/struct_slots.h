/* Fields of msgspec Structs read and written in place, by the offsets that the type's own descriptors tell.
 *
 * A Struct's field is a plain object slot (a member descriptor of type "object"). Where that ever ceases to hold,
 * `slots_of` says so and the compiled module is not used.
 */
#ifndef NETGROWTH_STRUCT_SLOTS_H
#define NETGROWTH_STRUCT_SLOTS_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>
#include <structmember.h>

/* As in streams/compiled.py. */
#define VERSION 5

#define MOST_SLOTS 32

typedef struct {
    PyTypeObject *type;
    Py_ssize_t at[MOST_SLOTS];
} Slots;

/* Looks up the offset of each of `names`, in order; -1 with an exception where a field is no plain slot. */
__attribute__((unused)) static int slots_of(Slots *slots, PyObject *type, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        PyObject *found = PyObject_GetAttrString(type, names[i]);
        if (found == NULL)
            return -1;
        if (!Py_IS_TYPE(found, &PyMemberDescr_Type) ||
            ((PyMemberDescrObject *)found)->d_member->type != T_OBJECT_EX) {
            Py_DECREF(found);
            PyErr_Format(PyExc_TypeError, "%R has no plain slot %s", type, names[i]);
            return -1;
        }
        slots->at[i] = ((PyMemberDescrObject *)found)->d_member->offset;
        Py_DECREF(found);
    }
    Py_INCREF(type);
    Py_XDECREF(slots->type);
    slots->type = (PyTypeObject *)type;
    return 0;
}

/* A borrowed reference to a field. */
#define SLOT(slots, object, field) (*(PyObject **)((char *)(object) + (slots).at[field]))

/* Puts a new value, whose reference is taken over, into a field. */
static inline void put(const Slots *slots, PyObject *object, int field, PyObject *value)
{
    PyObject **place = (PyObject **)((char *)object + slots->at[field]);
    PyObject *old = *place;
    *place = value;
    Py_XDECREF(old);
}

static inline void put_shared(const Slots *slots, PyObject *object, int field, PyObject *value)
{
    Py_INCREF(value);
    put(slots, object, field, value);
}

/* Texts that are compared by identity, or name attributes. */
typedef struct {
    PyObject **place;
    const char *text;
} Word;

/* Interns each of them; -1 with an exception. */
__attribute__((unused)) static int intern_words(const Word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((*words[i].place = PyUnicode_InternFromString(words[i].text)) == NULL)
            return -1;
    return 0;
}

/* An int that is known to have 64 bits. */
static inline long long number(PyObject *object) { return PyLong_AsLongLong(object); }

#endif
