/* Movements written as JSON, compiled.
 *
 * What it does is defined by `movement_lines.py`, and by the tests that read back what both have written. A movement
 * with a text that needs an escape, or a number beyond 64 bits, goes to Python.
 */
#include "../moved.h"

enum { M_KIND, M_AT, M_SCOPE, M_CUSTOMERS, M_VALUE, M_CAUSE, M_ACTIVITY, M_EARNED, M_IMPLIED, M_REASON, M_LOSS_KIND,
       M_EARLY, M_TO, M_COUNT, M_SLOTS };
static const char *const MOVEMENT_NAMES[] = {
    "kind", "at", "scope", "customers", "value", "cause", "activity", "earned", "implied", "reason", "loss_kind",
    "early", "to", "count" };
enum { CHANGE_CUSTOMER, CHANGE_MOVEMENT, CHANGE_SIGN, CHANGE_SLOTS };
static const char *const CHANGE_NAMES[] = { "customer_id", "movement", "sign" };
enum { SEGMENT, REGION, PRODUCT, SCOPE_SLOTS };
static const char *const SCOPE_NAMES[] = { "segment", "region", "product" };

static Slots movement_, change_, scope_;
static PyObject *PENDING, *write_slowly;

#define WRITE(buffer, literal) write_bytes(buffer, literal, sizeof literal - 1)

/* The writers below: 0 when it is written, 1 when it is for Python, -1 with an exception. */

/* A text in quotation marks. */
static int write_text(Buffer *buffer, PyObject *text)
{
    Py_ssize_t length;
    const char *bytes;
    if (!PyUnicode_Check(text))
        return 1;
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        bytes = (const char *)PyUnicode_1BYTE_DATA(text);
        length = PyUnicode_GET_LENGTH(text);
    } else if ((bytes = PyUnicode_AsUTF8AndSize(text, &length)) == NULL) {
        return -1;
    }
    if (make_room(buffer, (size_t)length + 2) < 0)
        return -1;
    char *p = buffer->bytes + buffer->length;
    *p++ = '"';
    for (Py_ssize_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c == '"' || c == '\\')
            return 1;
        *p++ = (char)c;
    }
    *p++ = '"';
    buffer->length = (size_t)(p - buffer->bytes);
    return 0;
}

static int write_number(Buffer *buffer, PyObject *object)
{
    int overflow;
    if (!PyLong_Check(object))
        return 1;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow)
        return 1;
    char digits[24], *p = digits + sizeof digits;
    unsigned long long rest = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        *--p = '-';
    return write_bytes(buffer, p, (size_t)(digits + sizeof digits - p));
}

static int is_number(PyObject *object, long long expected)
{
    int overflow = 0;
    return PyLong_Check(object) && PyLong_AsLongLongAndOverflow(object, &overflow) == expected && !overflow;
}

/* A list of a text, a text, and a text or a number. */
static int write_three(Buffer *buffer, PyObject *first, PyObject *second, PyObject *third)
{
    int left = WRITE(buffer, "[");
    if (!left)
        left = write_text(buffer, first);
    if (!left)
        left = WRITE(buffer, ",");
    if (!left)
        left = write_text(buffer, second);
    if (!left)
        left = WRITE(buffer, ",");
    if (!left)
        left = PyUnicode_Check(third) ? write_text(buffer, third) : write_number(buffer, third);
    return left ? left : WRITE(buffer, "]");
}

static int write_line(Buffer *buffer, const Moved *moved, long sign)
{
    PyObject *const texts[] = { moved->activity, moved->reason, moved->loss_kind };
    PyObject *const truths[] = { moved->earned, moved->implied, moved->early };
    static const char *const text_names[] = { ",\"activity\":", ",\"reason\":", ",\"loss_kind\":" };
    static const char *const truth_names[] = { ",\"earned\":true", ",\"implied\":true", ",\"early\":true" };
    static const char *const places[] = { ",\"segment\":", ",\"region\":", ",\"product\":" };
    int left = WRITE(buffer, "{\"customer_id\":");
    if (!left)
        left = write_text(buffer, moved->customer_id);
    if (!left)
        left = WRITE(buffer, ",\"kind\":");
    if (!left)
        left = write_text(buffer, moved->kind);
    if (!left)
        left = WRITE(buffer, ",\"at_us\":");
    if (!left)
        left = write_number(buffer, moved->at);
    for (int i = 0; !left && i < 3; i++) {
        left = write_bytes(buffer, places[i], strlen(places[i]));
        if (!left)
            left = write_text(buffer, SLOT(scope_, moved->scope, SEGMENT + i));
    }
    if (!left)
        left = WRITE(buffer, ",\"customers\":");
    if (!left)
        left = write_number(buffer, moved->customers);
    if (!left)
        left = WRITE(buffer, ",\"value\":");
    if (!left)
        left = write_number(buffer, moved->value);
    if (!left && sign != 1)
        left = WRITE(buffer, ",\"sign\":-1");
    if (!left && moved->silo != NULL) {
        left = WRITE(buffer, ",\"cause\":");
        if (!left)
            left = write_three(buffer, moved->silo, moved->event_id, moved->place);
    }
    for (int i = 0; !left && i < 3; i++) {
        if (texts[i] == NULL || (PyUnicode_Check(texts[i]) && PyUnicode_GET_LENGTH(texts[i]) == 0))
            continue;
        left = write_bytes(buffer, text_names[i], strlen(text_names[i]));
        if (!left)
            left = write_text(buffer, texts[i]);
    }
    for (int i = 0; !left && i < 3; i++)
        if (truths[i] == Py_True)
            left = write_bytes(buffer, truth_names[i], strlen(truth_names[i]));
    if (!left && moved->count != NULL && !is_number(moved->count, 0)) {
        left = WRITE(buffer, ",\"count\":");
        if (!left)
            left = write_number(buffer, moved->count);
    }
    if (!left && moved->to != NULL) {
        left = WRITE(buffer, ",\"to\":");
        if (!left)
            left = write_three(buffer, SLOT(scope_, moved->to, SEGMENT), SLOT(scope_, moved->to, REGION),
                               SLOT(scope_, moved->to, PRODUCT));
    }
    return left ? left : WRITE(buffer, "}");
}

/* Behind the others; nothing is left behind of what is for Python. */
static int write_moved(Buffer *lines, const Moved *moved, long sign)
{
    size_t before = lines->length;
    int left = before == 0 ? 0 : WRITE(lines, ",");
    if (!left)
        left = write_line(lines, moved, sign);
    if (left)
        lines->length = before;
    return left;
}

/* What a line tells of a Change; 1: it is for Python. */
static int moved_of(PyObject *change, Moved *moved)
{
    PyObject *movement = SLOT(change_, change, CHANGE_MOVEMENT);
    PyObject *cause = SLOT(movement_, movement, M_CAUSE), *to = SLOT(movement_, movement, M_TO);
    *moved = (Moved){
        .customer_id = SLOT(change_, change, CHANGE_CUSTOMER), .kind = SLOT(movement_, movement, M_KIND),
        .at = SLOT(movement_, movement, M_AT), .scope = SLOT(movement_, movement, M_SCOPE),
        .customers = SLOT(movement_, movement, M_CUSTOMERS), .value = SLOT(movement_, movement, M_VALUE),
        .activity = SLOT(movement_, movement, M_ACTIVITY), .earned = SLOT(movement_, movement, M_EARNED),
        .implied = SLOT(movement_, movement, M_IMPLIED), .reason = SLOT(movement_, movement, M_REASON),
        .loss_kind = SLOT(movement_, movement, M_LOSS_KIND), .early = SLOT(movement_, movement, M_EARLY),
        .to = to == Py_None ? NULL : to, .count = SLOT(movement_, movement, M_COUNT) };
    if (cause == Py_None)
        return 0;
    if (!PyTuple_CheckExact(cause) || PyTuple_GET_SIZE(cause) != 3)
        return 1;
    moved->silo = PyTuple_GET_ITEM(cause, 0);
    moved->event_id = PyTuple_GET_ITEM(cause, 1);
    moved->place = PyTuple_GET_ITEM(cause, 2);
    return 0;
}

static int write_by_python(Buffer *buffer, PyObject *change)
{
    PyObject *line = PyObject_CallOneArg(write_slowly, change);
    char *bytes;
    Py_ssize_t length;
    int failed = line == NULL || PyBytes_AsStringAndSize(line, &bytes, &length) < 0 ||
                 (buffer->length > 0 && WRITE(buffer, ",") < 0) || write_bytes(buffer, bytes, (size_t)length) < 0;
    Py_XDECREF(line);
    return failed ? -1 : 0;
}

static int is_pending(PyObject *change)
{
    PyObject *kind = SLOT(movement_, SLOT(change_, change, CHANGE_MOVEMENT), M_KIND);
    return kind == PENDING || (PyUnicode_Check(kind) && PyUnicode_Compare(kind, PENDING) == 0);
}

PyDoc_STRVAR(write_doc,
"write(changes, start, most, customers) -> (bytes, count, next start)\n\n"
"Write movements of a list of Changes from one place on, at most so many, as JSON objects with commas between them;\n"
"their customers are added to a set.");

static PyObject *write_movements(PyObject *module, PyObject *arguments)
{
    PyObject *changes, *customers;
    Py_ssize_t place, most, count = 0;
    if (!PyArg_ParseTuple(arguments, "O!nnO!", &PyList_Type, &changes, &place, &most, &PySet_Type, &customers))
        return NULL;
    if (change_.type == NULL || place < 0) {
        PyErr_SetString(PyExc_ValueError, "prepare() was not called, or the start is negative");
        return NULL;
    }
    Buffer buffer = { 0 };
    int failed = 0;
    for (; !failed && count < most && place < PyList_GET_SIZE(changes); place++) {
        PyObject *change = PyList_GET_ITEM(changes, place);
        if (!Py_IS_TYPE(change, change_.type)) {
            PyErr_Format(PyExc_TypeError, "%R is no Change", change);
            failed = 1;
            break;
        }
        if (is_pending(change))
            continue;
        count++;
        PyObject *sign = SLOT(change_, change, CHANGE_SIGN);
        Moved moved;
        int left = PySet_Add(customers, SLOT(change_, change, CHANGE_CUSTOMER)) < 0 ? -1 : moved_of(change, &moved);
        if (!left)
            left = is_number(sign, 1) || is_number(sign, -1) ? write_moved(&buffer, &moved, PyLong_AsLong(sign)) : 1;
        failed = left < 0 || (left && write_by_python(&buffer, change) < 0);
    }
    PyObject *result = failed ? NULL : Py_BuildValue("(y#nn)", buffer.bytes == NULL ? "" : buffer.bytes,
                                                     (Py_ssize_t)buffer.length, count, place);
    PyMem_Free(buffer.bytes);
    return result;
}

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    PyObject *movement, *change, *scope, *slowly;
    if (!PyArg_ParseTuple(arguments, "OOOO", &movement, &change, &scope, &slowly) ||
        slots_of(&movement_, movement, MOVEMENT_NAMES, M_SLOTS) < 0 ||
        slots_of(&scope_, scope, SCOPE_NAMES, SCOPE_SLOTS) < 0)
        return NULL;
    Py_XSETREF(write_slowly, Py_NewRef(slowly));
    if (slots_of(&change_, change, CHANGE_NAMES, CHANGE_SLOTS) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "prepare", prepare, METH_VARARGS,
      PyDoc_STR("prepare(movement, change, scope, slowly): take over the types, and what writes one Change in Python.\n\n"
                "Raises TypeError where a field is no plain slot.") },
    { "write", write_movements, METH_VARARGS, write_doc },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_lines", "Movements written as JSON, compiled.", -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit__lines(void)
{
    static const LinesCalls calls = { write_moved };
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0 ||
        PyModule_AddObject(module, "API", PyCapsule_New((void *)&calls, LINES_CAPSULE, NULL)) < 0 || (PENDING = PyUnicode_InternFromString("pending")) == NULL)
        return NULL;
    return module;
}
