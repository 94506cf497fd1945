/* Customers packed for the changelog and for their rest, compiled.
 *
 * What it does is defined by `UnsavedCustomers._pack`, `pack_customer`, `pack_more` and `pack_quiet`, and by the tests
 * that unpack what both have packed. Fields at the end of a fact or a state that are as by default are left out, which
 * their decoders allow. What it cannot pack, it leaves to Python before it has changed anything.
 */
#include "../buffer.h"
#include "../struct_slots.h"

enum { C_BASE, C_FACTS, C_STATE, C_NEWEST, C_FOLDED_TO, C_BY_CLOCK_AT, C_TANGLED, C_WHEEL_MINUTE, C_SAVED,
       C_SAVE_WHOLE, C_APPENDED, C_UNSAVED, C_SLOTS };
static const char *const CUSTOMER_NAMES[] = {
    "base", "facts", "state", "newest", "folded_to", "by_clock_at", "tangled", "wheel_minute", "saved",
    "save_whole", "appended", "unsaved" };
enum { S_STATUS, S_LAPSE_DUE, S_PENDING, S_SLOTS };
static const char *const STATE_NAMES[] = { "status", "lapse_due", "pending" };
enum { FACT_ID, FACT_SLOTS };
static const char *const FACT_NAMES[] = { "event_id" };
enum { PENDING_EFFECTIVE_AT, PENDING_SLOTS };
static const char *const PENDING_NAMES[] = { "effective_at" };

enum { VALUE_HAD_ONE, VALUE_SLOTS };
static const char *const VALUE_NAMES[] = { "had_one" };

static Slots customer_, state_, fact_, pending_, value_;
static PyObject *no_base;
static long long form;
static long many_facts;

#define AHEAD 16
#define MINUTE_US 60000000LL
#define ACTIVE 1

/* The Structs that are written as arrays: where their fields lie, and what these are by default. */
#define MOST_STRUCTS 8
#define MOST_FIELDS 32
typedef struct {
    PyTypeObject *type;
    int count, required;
    Py_ssize_t at[MOST_FIELDS];
    PyObject *defaults;  /* of the fields after the first `required` */
} Written;
static Written written[MOST_STRUCTS];
static int written_count;

/* ---- msgpack ---- */

/* A first byte and a number of so many bytes, the most significant first. There is room. */
static inline void put_head(Buffer *buffer, unsigned char first, unsigned long long number, int bytes)
{
    unsigned char *p = (unsigned char *)buffer->bytes + buffer->length;
    *p++ = first;
    while (bytes > 0)
        *p++ = (unsigned char)(number >> 8 * --bytes);
    buffer->length = (size_t)(p - (unsigned char *)buffer->bytes);
}

#define MOST_HEAD 9

/* The head of an array or a text: the short form below `few`, then those of 8 (texts only), 16 and 32 bits. */
static int write_size(Buffer *buffer, size_t size, size_t few, unsigned char fixed, unsigned char first, int has_8_bits)
{
    if (make_room(buffer, MOST_HEAD) < 0)
        return -1;
    if (size < few)
        put_head(buffer, (unsigned char)(fixed | size), 0, 0);
    else if (has_8_bits && size < 1u << 8)
        put_head(buffer, first, size, 1);
    else if (size < 1u << 16)
        put_head(buffer, (unsigned char)(first + has_8_bits), size, 2);
    else
        put_head(buffer, (unsigned char)(first + has_8_bits + 1), size, 4);
    return 0;
}

static int write_array(Buffer *buffer, size_t count) { return write_size(buffer, count, 16, 0x90, 0xdc, 0); }

static int write_int(Buffer *buffer, long long number)
{
    if (make_room(buffer, MOST_HEAD) < 0)
        return -1;
    unsigned long long bits = (unsigned long long)number;
    if (number >= -32 && number < 128)
        put_head(buffer, (unsigned char)number, 0, 0);
    else if (number >= 0 && number < 1LL << 8)
        put_head(buffer, 0xcc, bits, 1);
    else if (number >= 0 && number < 1LL << 16)
        put_head(buffer, 0xcd, bits, 2);
    else if (number >= 0 && number < 1LL << 32)
        put_head(buffer, 0xce, bits, 4);
    else
        put_head(buffer, number >= 0 ? 0xcf : 0xd3, bits, 8);
    return 0;
}

static int write_text(Buffer *buffer, PyObject *text)
{
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);
    if (bytes == NULL || write_size(buffer, (size_t)length, 32, 0xa0, 0xd9, 1) < 0)
        return -1;
    return write_bytes(buffer, bytes, (size_t)length);
}

static int write_constant(Buffer *buffer, unsigned char byte)
{
    if (make_room(buffer, 1) < 0)
        return -1;
    put_head(buffer, byte, 0, 0);
    return 0;
}

static int write_object(Buffer *buffer, PyObject *object, int depth);

static int write_struct(Buffer *buffer, const Written *as, PyObject *object, int depth)
{
    int count = as->count;
    while (count > as->required && *(PyObject **)((char *)object + as->at[count - 1]) ==
                                       PyTuple_GET_ITEM(as->defaults, count - 1 - as->required))
        count--;
    if (write_array(buffer, (size_t)count) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        PyObject *field = *(PyObject **)((char *)object + as->at[i]);
        int left = field == NULL ? 1 : write_object(buffer, field, depth);
        if (left)
            return left;
    }
    return 0;
}

/* 0: written; 1: it is no such object, for Python; -1 with an exception. */
static int write_object(Buffer *buffer, PyObject *object, int depth)
{
    if (object == Py_None)
        return write_constant(buffer, 0xc0);
    if (PyUnicode_Check(object))
        return write_text(buffer, object);
    if (PyBool_Check(object))
        return write_constant(buffer, object == Py_True ? 0xc3 : 0xc2);
    if (PyLong_Check(object)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        return overflow ? 1 : write_int(buffer, number);
    }
    if (depth == 0)
        return 1;
    if (PyTuple_CheckExact(object) || PyList_CheckExact(object)) {
        Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
        if (write_array(buffer, (size_t)count) < 0)
            return -1;
        for (Py_ssize_t i = 0; i < count; i++) {
            int left = write_object(buffer, PySequence_Fast_GET_ITEM(object, i), depth - 1);
            if (left)
                return left;
        }
        return 0;
    }
    for (int i = 0; i < written_count; i++)
        if (Py_IS_TYPE(object, written[i].type))
            return write_struct(buffer, &written[i], object, depth - 1);
    return 1;
}

#define DEEPEST 8

static int write_field(Buffer *buffer, PyObject *customer, int field)
{
    return write_object(buffer, SLOT(customer_, customer, field), DEEPEST);
}

/* ---- customers ---- */

/* The minute in which something falls due, as `next_due` says; -1 for never. */
static long long due_minute(PyObject *customer)
{
    PyObject *state = SLOT(customer_, customer, C_STATE), *lapse = SLOT(state_, state, S_LAPSE_DUE);
    PyObject *pending = SLOT(state_, state, S_PENDING);
    if (PyLong_AsLong(SLOT(state_, state, S_STATUS)) != ACTIVE || (lapse == Py_None && pending == Py_None))
        return -1;
    long long due = lapse == Py_None ? LLONG_MAX : PyLong_AsLongLong(lapse);
    if (pending != Py_None) {
        long long at = PyLong_AsLongLong(SLOT(pending_, pending, PENDING_EFFECTIVE_AT));
        due = at < due ? at : due;
    }
    return due < 0 ? -1 : due / MINUTE_US;
}

/* 1: nobody has folded anything into it. -1 with an exception. */
static int is_blank(PyObject *base)
{
    for (int i = 0; i < written_count; i++)
        if (Py_IS_TYPE(base, written[i].type)) {
            int same = written[i].required == 0;
            for (int j = 0; same && j < written[i].count; j++)
                same = *(PyObject **)((char *)base + written[i].at[j]) == PyTuple_GET_ITEM(written[i].defaults, j);
            if (same)
                return 1;
        }
    return PyObject_RichCompareBool(base, no_base, Py_EQ);
}

/* What both forms begin with; as `write_object`. */
static int write_customer(Buffer *buffer, PyObject *customer, int fields, long long due)
{
    PyObject *base = SLOT(customer_, customer, C_BASE);
    int blank = is_blank(base);
    if (blank < 0 || write_array(buffer, (size_t)fields) < 0 || write_int(buffer, form) < 0 ||
        (due < 0 ? write_constant(buffer, 0xc0) : write_int(buffer, due)) < 0)
        return -1;
    int left = write_field(buffer, customer, C_NEWEST);
    if (!left)
        left = blank ? write_constant(buffer, 0xc0) : write_object(buffer, base, DEEPEST);
    if (!left)
        left = write_field(buffer, customer, C_FACTS);
    if (!left)
        left = write_field(buffer, customer, C_FOLDED_TO);
    return left ? left : write_field(buffer, customer, C_TANGLED);
}

static int write_more(Buffer *buffer, PyObject *customer)
{
    if (write_array(buffer, 3) < 0)
        return -1;
    int left = write_field(buffer, customer, C_UNSAVED);
    if (!left)
        left = write_field(buffer, customer, C_NEWEST);
    return left ? left : write_field(buffer, customer, C_FOLDED_TO);
}

/* Asks the processor for what packing these customers will need, all at once. A hint: nothing is changed. */
static void fetch_ahead(PyObject *customers, PyObject *names, Py_ssize_t start)
{
    PyObject *found[AHEAD], *lists[AHEAD];
    int count = 0;
    for (Py_ssize_t i = start; i < start + AHEAD && i < PyList_GET_SIZE(names); i++) {
        PyObject *customer = PyDict_GetItemWithError(customers, PyList_GET_ITEM(names, i));
        if (customer == NULL) {
            PyErr_Clear();
            continue;
        }
        found[count++] = customer;
        for (int line = 0; line < 3; line++)
            __builtin_prefetch((char *)customer + 64 * line);
    }
    int few = 0;
    for (int i = 0; i < count; i++) {
        if (!Py_IS_TYPE(found[i], customer_.type))
            continue;
        int whole = SLOT(customer_, found[i], C_SAVED) != Py_True;
        lists[few] = SLOT(customer_, found[i], whole ? C_FACTS : C_UNSAVED);
        if (!whole) {
            PyObject *facts = SLOT(customer_, found[i], C_FACTS);
            if (PyList_CheckExact(facts) && PyList_GET_SIZE(facts) < many_facts)
                lists[few] = facts;
        }
        __builtin_prefetch(SLOT(customer_, found[i], C_STATE));
        __builtin_prefetch((char *)SLOT(customer_, found[i], C_STATE) + 128);
        __builtin_prefetch(SLOT(customer_, found[i], C_BASE));
        __builtin_prefetch(SLOT(customer_, found[i], C_NEWEST));
        if (PyList_CheckExact(lists[few]) && PyList_GET_SIZE(lists[few]) > 0) {
            __builtin_prefetch(((PyListObject *)lists[few])->ob_item);
            few++;
        }
    }
    for (int i = 0; i < few; i++)
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(lists[i]) && j < many_facts; j++)
            for (int line = 0; line < 3; line++)
                __builtin_prefetch((char *)PyList_GET_ITEM(lists[i], j) + 64 * line);
    for (int i = 0; i < few; i++)
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(lists[i]) && j < many_facts; j++)
            if (Py_IS_TYPE(PyList_GET_ITEM(lists[i], j), fact_.type))
                __builtin_prefetch(SLOT(fact_, PyList_GET_ITEM(lists[i], j), FACT_ID));
}

/* The key of a customer, or of the facts that came since it was saved. */
static PyObject *key_of(PyObject *name, long more)
{
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    char head[32];
    if (text == NULL)
        return NULL;
    int before = more < 0 ? snprintf(head, sizeof head, "c") : snprintf(head, sizeof head, "m%ld/", more);
    PyObject *key = PyBytes_FromStringAndSize(NULL, before + length);
    if (key != NULL) {
        memcpy(PyBytes_AS_STRING(key), head, (size_t)before);
        memcpy(PyBytes_AS_STRING(key) + before, text, (size_t)length);
    }
    return key;
}

/* Puts a value under its key, behind all others; of one that was there, `had_one` holds. */
static int put_value(PyObject *values, PyObject *key, const Buffer *buffer, int had_one)
{
    PyObject *before = PyDict_GetItemWithError(values, key);
    if (before != NULL) {
        if (!Py_IS_TYPE(before, value_.type))
            return 1;
        had_one = SLOT(value_, before, VALUE_HAD_ONE) == Py_True;
        if (PyDict_DelItem(values, key) < 0)
            return -1;
    } else if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *payload = PyBytes_FromStringAndSize(buffer->bytes, (Py_ssize_t)buffer->length), *value = NULL;
    if (payload != NULL) {
        PyObject *arguments[] = { key, payload, had_one ? Py_True : Py_False };
        value = PyObject_Vectorcall((PyObject *)value_.type, arguments, 3, NULL);
        Py_DECREF(payload);
    }
    int failed = value == NULL ? -1 : PyDict_SetItem(values, key, value);
    Py_XDECREF(value);
    return failed;
}

/* As `write_object`: 0 when the customer is packed and noted as saved. */
static int pack_one(Buffer *buffer, PyObject *name, PyObject *customer, PyObject *values)
{
    PyObject *facts = SLOT(customer_, customer, C_FACTS), *unsaved = SLOT(customer_, customer, C_UNSAVED);
    if (!PyList_CheckExact(facts) || !PyList_CheckExact(unsaved))
        return 1;
    int saved = SLOT(customer_, customer, C_SAVED) == Py_True;
    long appended = PyLong_AsLong(SLOT(customer_, customer, C_APPENDED));
    int more = saved && SLOT(customer_, customer, C_SAVE_WHOLE) == Py_False && PyList_GET_SIZE(facts) >= many_facts;
    if (appended < 0 || (!more && appended > 0))
        return 1;
    buffer->length = 0;
    int left = more ? write_more(buffer, customer) : write_customer(buffer, customer, 7, due_minute(customer));
    if (left)
        return left;
    PyObject *number = more ? PyLong_FromLong(appended + 1) : NULL, *key = key_of(name, more ? appended : -1);
    left = key == NULL || (more && number == NULL) ? -1 : put_value(values, key, buffer, saved && !more);
    Py_XDECREF(key);
    if (left) {
        Py_XDECREF(number);
        return left;
    }
    if (more)
        put(&customer_, customer, C_APPENDED, number);
    else
        put_shared(&customer_, customer, C_SAVED, Py_True);
    put_shared(&customer_, customer, C_SAVE_WHOLE, Py_False);
    return PyList_SetSlice(unsaved, 0, PyList_GET_SIZE(unsaved), NULL);
}

/* ---- what Python sees ---- */

PyDoc_STRVAR(pack_doc,
"pack(names, customers, values) -> list\n\n"
"Pack customers by name into values of the changelog, by key, and note that they are saved; returns the names that\n"
"are left for Python. `names`: list; `customers`, `values`: dicts.");

static PyObject *pack(PyObject *module, PyObject *arguments)
{
    PyObject *names, *customers, *values;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyList_Type, &names, &PyDict_Type, &customers, &PyDict_Type, &values))
        return NULL;
    if (customer_.type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare() was not called");
        return NULL;
    }
    Buffer buffer = { 0 };
    PyObject *rest = PyList_New(0);
    for (Py_ssize_t i = 0; rest != NULL && i < PyList_GET_SIZE(names); i++) {
        if (i % AHEAD == 0)
            fetch_ahead(customers, names, i);
        PyObject *name = PyList_GET_ITEM(names, i), *customer = PyDict_GetItemWithError(customers, name);
        int left = customer == NULL ? (PyErr_Occurred() ? -1 : 1) : 1;
        if (customer != NULL && Py_IS_TYPE(customer, customer_.type) && PyUnicode_Check(name))
            left = pack_one(&buffer, name, customer, values);
        if (left < 0 || (left && PyList_Append(rest, name) < 0))
            Py_CLEAR(rest);
    }
    PyMem_Free(buffer.bytes);
    return rest;
}

PyDoc_STRVAR(quiet_doc, "pack_quiet(customer) -> bytes | None\n\nThe quick form with all that is derived; None: for Python.");

static PyObject *pack_quiet(PyObject *module, PyObject *customer)
{
    if (!Py_IS_TYPE(customer, customer_.type))
        Py_RETURN_NONE;
    Buffer buffer = { 0 };
    int left = write_customer(&buffer, customer, 10, -1);
    for (int i = 0; !left && i < 3; i++)
        left = write_field(&buffer, customer, (int[]){ C_STATE, C_BY_CLOCK_AT, C_WHEEL_MINUTE }[i]);
    PyObject *packed = left < 0 ? NULL : left ? Py_NewRef(Py_None)
        : PyBytes_FromStringAndSize(buffer.bytes, (Py_ssize_t)buffer.length);
    PyMem_Free(buffer.bytes);
    return packed;
}

/* Looks up all fields of an array-like Struct, in order. */
static int write_as_array(PyObject *type)
{
    Written *as = &written[written_count];
    PyObject *fields = PyObject_GetAttrString(type, "__struct_fields__");
    PyObject *defaults = PyObject_GetAttrString(type, "__struct_defaults__");
    int sound = fields != NULL && defaults != NULL && PyTuple_Check(fields) && PyTuple_Check(defaults) &&
                PyTuple_GET_SIZE(fields) <= MOST_FIELDS && written_count < MOST_STRUCTS;
    if (sound) {
        as->count = (int)PyTuple_GET_SIZE(fields);
        as->required = as->count - (int)PyTuple_GET_SIZE(defaults);
        for (int i = 0; sound && i < as->count; i++) {
            Slots one = { 0 };
            const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(fields, i));
            sound = name != NULL && slots_of(&one, type, &name, 1) == 0;
            as->at[i] = one.at[0];
            Py_XDECREF(one.type);
        }
    }
    Py_XDECREF(fields);
    if (!sound) {
        Py_XDECREF(defaults);
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%R is no Struct of few fields", type);
        return -1;
    }
    as->type = (PyTypeObject *)Py_NewRef(type);
    as->defaults = defaults;
    written_count++;
    return 0;
}

PyDoc_STRVAR(prepare_doc,
"prepare(customer, state, fact, pending, value, structs, form, many_facts)\n\n"
"Take over the types: of what is packed, of a value of the changelog, and those that are written as arrays; the form's\n"
"number; and from how many facts on only new ones are written. Raises TypeError where a field is no plain slot.");

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    PyObject *customer, *state, *fact, *pending, *value, *structs;
    if (!PyArg_ParseTuple(arguments, "OOOOOO!Ll", &customer, &state, &fact, &pending, &value, &PyTuple_Type, &structs,
                          &form, &many_facts) ||
        slots_of(&state_, state, STATE_NAMES, S_SLOTS) < 0 || slots_of(&fact_, fact, FACT_NAMES, FACT_SLOTS) < 0 ||
        slots_of(&pending_, pending, PENDING_NAMES, PENDING_SLOTS) < 0 ||
        slots_of(&value_, value, VALUE_NAMES, VALUE_SLOTS) < 0)
        return NULL;
    while (written_count > 0) {
        Py_CLEAR(written[--written_count].type);
        Py_CLEAR(written[written_count].defaults);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(structs); i++)
        if (write_as_array(PyTuple_GET_ITEM(structs, i)) < 0)
            return NULL;
    PyObject *blank = PyObject_CallNoArgs(state);
    if (blank == NULL)
        return NULL;
    Py_XSETREF(no_base, blank);
    if (slots_of(&customer_, customer, CUSTOMER_NAMES, C_SLOTS) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "pack", pack, METH_VARARGS, pack_doc },
    { "pack_quiet", pack_quiet, METH_O, quiet_doc },
    { "prepare", prepare, METH_VARARGS, prepare_doc },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_packing", "Customers packed, compiled.", -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit__packing(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0)
        return NULL;
    return module;
}
