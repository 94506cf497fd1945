/* Movements added to the cells of their minutes, compiled.
 *
 * What it does is defined by `PartitionTables.add` and `cells_of`, and by the tests that book every movement in both
 * ways. It books movements whose minute is still kept; older ones go to `PartitionTables.add`.
 */
#include "../moved.h"

enum { M_KIND, M_AT, M_SCOPE, M_CUSTOMERS, M_VALUE, M_ACTIVITY, M_EARNED, M_REASON, M_LOSS_KIND, M_EARLY, M_TO,
       M_COUNT, M_MEMBERSHIP, M_STAY, M_PREVIOUS, M_COHORT_AT, M_FIRST_LOSS, M_SLOTS };
static const char *const MOVEMENT_NAMES[] = {
    "kind", "at", "scope", "customers", "value", "activity", "earned", "reason", "loss_kind", "early", "to",
    "count", "membership", "stay", "previous", "cohort_at", "first_loss" };
enum { CHANGE_MOVEMENT, CHANGE_SIGN, CHANGE_SLOTS };
static const char *const CHANGE_NAMES[] = { "movement", "sign" };
enum { SEGMENT, REGION, PRODUCT, SCOPE_SLOTS };
static const char *const SCOPE_NAMES[] = { "segment", "region", "product" };
enum { GAIN_AT, GAIN_SCOPE, GAIN_ACTIVITY, MEMBERSHIP_SLOTS };
static const char *const MEMBERSHIP_NAMES[] = { "at", "scope", "activity" };
static const char *const STAY_NAMES[] = {
    "total_from", "segment_from", "region_from", "product_from", "opened_at", "opened_value", "steps" };
enum { RECOMMENDED_AT, RECOMMENDED_SCOPE, RECOMMENDATION_SLOTS };
static const char *const RECOMMENDATION_NAMES[] = { "at", "scope" };

static Slots movement_, change_, scope_, membership_, stay_, recommendation_;

/* Kinds by identity, as in the ledger's own movements; another object goes to Python. */
enum { OPENING, NEW, RETURNED, LOST, EXPANSION, CONTRACTION, TRANSFER, PENDING, RECOMMENDED, KINDS };
static const char *const KIND_NAMES[] = {
    "opening", "new", "returned", "lost", "expansion", "contraction", "transfer", "pending", "recommended" };
static PyObject *kinds[KINDS];

/* Codes of cells, as in cells.py. */
static const int CODES[KINDS] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
#define COHORT 10
#define GONE 20
#define FOLLOWED 21
#define STAY 22
#define MOST_CODE 23
enum { JOINED, CAME_BACK, LOST_30, LOST_90, LOST_365, LOST_LATER };
enum { BY_LOSS, BY_TRANSFER };
enum { IN_TOTAL = 1, IN_SEGMENT = 2, IN_REGION = 4, IN_PRODUCT = 8, IN_SEGMENT_REGION = 16, IN_EVERY = 31 };

#define MINUTE_US 60000000LL
#define DAY_US (86400LL * 1000000)
#define MONTHS 4096
#define SMALL 64

static PyObject *codes[MOST_CODE], *small[SMALL], *empty, *none_stated, *UNKNOWN;
static PyObject *s_cells, *s_dirty, *s_add, *s_calendar, *s_month_name;

typedef struct {
    long long minute;
    PyObject *name;
} Month;

typedef struct {
    PyObject_HEAD
    PyObject *tables;  /* borrowed: the tables hold this object */
    Month *months;
} Booking;

/* One movement while it is booked. */
typedef struct {
    BookingRun *run;
    const Moved *moved;
    PyObject *bucket;
    long sign;
} Step;


static long long minute_start(long long us)
{
    long long rest = us % MINUTE_US;
    return us - (rest < 0 ? rest + MINUTE_US : rest);
}

static PyObject *or_unknown(PyObject *text) { return text != NULL && PyUnicode_GET_LENGTH(text) ? text : UNKNOWN; }

/* One sum more; beyond 64 bits as Python adds. */
static PyObject *sum_of(PyObject *held, long long more)
{
    int overflow;
    long long sum = PyLong_AsLongLongAndOverflow(held, &overflow);
    if (!overflow && !__builtin_add_overflow(sum, more, &sum))
        return PyLong_FromLongLong(sum);
    PyObject *added = PyLong_FromLongLong(more), *large = added == NULL ? NULL : PyNumber_Add(held, added);
    Py_XDECREF(added);
    return large;
}

/* Adds to a list of [customers, value]; 1 when both came to nothing. */
static int add_to(PyObject *held, long long customers, long long value)
{
    int nothing = 1;
    for (int i = 0; i < 2; i++) {
        PyObject *sum = sum_of(PyList_GET_ITEM(held, i), i == 0 ? customers : value);
        if (sum == NULL)
            return -1;
        nothing &= !PyObject_IsTrue(sum);
        if (PyList_SetItem(held, i, sum) < 0)
            return -1;
    }
    return nothing;
}

/* Adds to the cell (code, segment, region, product, a, b, c, numbers); takes `numbers` over. */
static int add(Step *step, int code, PyObject *scope, PyObject *a, PyObject *b, PyObject *c, PyObject *numbers,
               long long customers, long long value)
{
    if (numbers == NULL)
        return -1;
    PyObject *cell = scope == NULL
        ? PyTuple_Pack(8, codes[code], empty, empty, empty, a, b, c, numbers)
        : PyTuple_Pack(8, codes[code], SLOT(scope_, scope, SEGMENT), SLOT(scope_, scope, REGION),
                       SLOT(scope_, scope, PRODUCT), a, b, c, numbers);
    Py_DECREF(numbers);
    if (cell == NULL)
        return -1;
    customers *= step->sign;
    value *= step->sign;
    PyObject *held = PyDict_GetItemWithError(step->bucket, cell);
    int failed = 0;
    if (held != NULL) {
        failed = add_to(held, customers, value);
        if (failed == 1)
            failed = PyDict_DelItem(step->bucket, cell);
    } else if (!PyErr_Occurred()) {
        held = Py_BuildValue("[LL]", customers, value);
        failed = held == NULL ? -1 : PyDict_SetItem(step->bucket, cell, held);
        Py_XDECREF(held);
    } else {
        failed = -1;
    }
    Py_DECREF(cell);
    return failed;
}

static PyObject *just(long long value)
{
    if (value >= 0 && value < SMALL)
        return Py_NewRef(small[value]);
    return Py_BuildValue("(L)", value);
}

static PyObject *month_of(Booking *booking, PyObject *at)
{
    long long minute = minute_start(number(at));
    Month *month = &booking->months[(unsigned long long)(minute / MINUTE_US) % MONTHS];
    if (month->name == NULL || month->minute != minute) {
        PyObject *calendar = PyObject_GetAttr(booking->tables, s_calendar);
        PyObject *name = calendar == NULL ? NULL : PyObject_CallMethodOneArg(calendar, s_month_name, at);
        Py_XDECREF(calendar);
        if (name == NULL)
            return NULL;
        Py_XSETREF(month->name, name);
        month->minute = minute;
    }
    return month->name;
}

static int add_cohort(Step *step, int what)
{
    PyObject *cohort_at = step->moved->cohort_at;
    if (cohort_at == NULL)
        return 0;
    PyObject *month = month_of((Booking *)step->run->booking, cohort_at);
    if (month == NULL)
        return -1;
    return add(step, COHORT, NULL, month, empty, empty, Py_NewRef(small[what]), number(step->moved->customers), 0);
}

static int loss_class(Step *step)
{
    PyObject *cohort_at = step->moved->cohort_at;
    if (cohort_at == NULL || step->moved->first_loss != Py_True)
        return LOST_LATER;
    long long held = number(step->moved->at) - number(cohort_at);
    return held <= 30 * DAY_US ? LOST_30 : held <= 90 * DAY_US ? LOST_90 : held <= 365 * DAY_US ? LOST_365 : LOST_LATER;
}

static int add_stay(Step *step, int how, int ended)
{
    PyObject *const *stay = step->moved->stay, *steps;
    if (stay[TOTAL_FROM] == NULL)
        return 0;
    long long from[4], opened_at = 0, customers = number(step->moved->customers);
    for (int i = 0; i < 4; i++)
        from[i] = number(stay[TOTAL_FROM + i]);
    int opened = 0;
    if (stay[OPENED_AT] != Py_None) {
        opened_at = number(stay[OPENED_AT]);
        opened |= from[0] == opened_at ? IN_TOTAL : 0;
        opened |= from[1] == opened_at ? IN_SEGMENT : 0;
        opened |= from[2] == opened_at ? IN_REGION : 0;
        opened |= from[3] == opened_at ? IN_PRODUCT : 0;
        opened |= (from[1] > from[2] ? from[1] : from[2]) == opened_at ? IN_SEGMENT_REGION : 0;
    }
    steps = stay[STAY_STEPS];
    Py_ssize_t count = PyTuple_GET_SIZE(steps), kept = 0;
    long long few[2 * 32], *pairs = few;
    if (count > 32 && (pairs = PyMem_Malloc((size_t)count * 2 * sizeof *pairs)) == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *pair = PyTuple_GET_ITEM(steps, i);
        long long minute = minute_start(number(PyTuple_GET_ITEM(pair, 0))), value = number(PyTuple_GET_ITEM(pair, 1));
        /* Of several steps in one minute the last holds, but the first of all also stands for the time before it. */
        if (kept > 1 && pairs[2 * kept - 2] == minute) {
            pairs[2 * kept - 1] = value;
        } else {
            pairs[2 * kept] = minute;
            pairs[2 * kept + 1] = value;
            kept++;
        }
    }
    if (kept == 0) {
        pairs[0] = minute_start(from[0]);
        pairs[1] = number(step->moved->value);
        kept = 1;
    }
    PyObject *numbers = PyTuple_New(7 + 2 * kept);
    for (Py_ssize_t i = 0; numbers != NULL && i < 7 + 2 * kept; i++) {
        long long value = i == 0 ? how : i == 1 ? ended : i == 2 ? (opened & ended)
                          : i < 7 ? minute_start(from[i - 3]) : pairs[i - 7];
        PyObject *object = PyLong_FromLongLong(value);
        if (object == NULL)
            Py_CLEAR(numbers);
        else
            PyTuple_SET_ITEM(numbers, i, object);
    }
    if (pairs != few)
        PyMem_Free(pairs);
    return add(step, STAY, step->moved->scope, empty, empty, empty, numbers, customers,
               customers * number(stay[OPENED_VALUE]));
}

static int add_loss(Step *step)
{
    long long customers = number(step->moved->customers);
    PyObject *reason = or_unknown(step->moved->reason), *gained_at = step->moved->gained_at;
    if (add(step, CODES[LOST], step->moved->scope, reason, step->moved->loss_kind, empty,
            Py_NewRef(small[step->moved->early == Py_True]), customers, number(step->moved->value)) < 0 ||
        add_cohort(step, loss_class(step)) < 0)
        return -1;
    if (gained_at != NULL &&
        add(step, GONE, step->moved->gained_scope, or_unknown(step->moved->gained_activity), empty, empty,
            just(minute_start(number(gained_at))), customers, 0) < 0)
        return -1;
    return add_stay(step, BY_LOSS, IN_EVERY);
}

static int differ(PyObject *old, PyObject *new, int field)
{
    PyObject *a = SLOT(scope_, old, field), *b = SLOT(scope_, new, field);
    return a != b && PyUnicode_Compare(a, b) != 0;
}

static int add_transfer(Step *step)
{
    PyObject *old = step->moved->scope, *to = step->moved->to;
    if (to == NULL)
        return 1;
    if (add(step, CODES[TRANSFER], old, SLOT(scope_, to, SEGMENT), SLOT(scope_, to, REGION), SLOT(scope_, to, PRODUCT),
            Py_NewRef(none_stated), number(step->moved->customers), number(step->moved->value)) < 0)
        return -1;
    int ended = (differ(old, to, SEGMENT) ? IN_SEGMENT | IN_SEGMENT_REGION : 0) |
                (differ(old, to, REGION) ? IN_REGION | IN_SEGMENT_REGION : 0) | (differ(old, to, PRODUCT) ? IN_PRODUCT : 0);
    return add_stay(step, BY_TRANSFER, ended);
}

static int add_recommendation(Step *step)
{
    PyObject *last = step->moved->previous;
    if (add(step, CODES[RECOMMENDED], step->moved->scope, empty, empty, empty, Py_NewRef(none_stated), 1,
            number(step->moved->count)) < 0)
        return -1;
    if (last == NULL)
        return 0;
    return add(step, FOLLOWED, SLOT(recommendation_, last, RECOMMENDED_SCOPE), empty, empty, empty,
               just(minute_start(number(SLOT(recommendation_, last, RECOMMENDED_AT)))), 1, 0);
}

/* Books one movement; 1: it is for Python. */
static int book(Step *step, int kind)
{
    PyObject *scope = step->moved->scope;
    switch (kind) {
    case EXPANSION: case CONTRACTION: case PENDING:
        return add(step, CODES[kind], scope, empty, empty, empty, Py_NewRef(none_stated), number(step->moved->customers),
                   number(step->moved->value));
    case OPENING: case NEW: case RETURNED: {
        PyObject *numbers = kind == NEW ? Py_NewRef(small[step->moved->earned == Py_True]) : Py_NewRef(none_stated);
        if (add(step, CODES[kind], scope, or_unknown(step->moved->activity), empty, empty, numbers,
                number(step->moved->customers), number(step->moved->value)) < 0)
            return -1;
        return add_cohort(step, kind == RETURNED ? CAME_BACK : JOINED);
    }
    case LOST:
        return add_loss(step);
    case TRANSFER:
        return add_transfer(step);
    case RECOMMENDED:
        return add_recommendation(step);
    }
    return 1;
}

/* The cells of a minute and segment, borrowed; noted as changed. */
static PyObject *bucket_of(BookingRun *run, long long at, PyObject *segment)
{
    long long minute = minute_start(at);
    if (run->bucket != NULL && run->minute == minute && run->segment == segment)
        return run->bucket;
    PyObject *place = Py_BuildValue("(iLO)", 0, minute, segment), *bucket = NULL;
    if (place == NULL)
        return NULL;
    bucket = PyDict_GetItemWithError(run->cells, place);
    if (bucket == NULL && !PyErr_Occurred() && (bucket = PyDict_New()) != NULL) {
        int failed = PyDict_SetItem(run->cells, place, bucket);
        Py_DECREF(bucket);
        if (failed < 0)
            bucket = NULL;
    }
    if (bucket != NULL && PySet_Add(run->dirty, place) < 0)
        bucket = NULL;
    Py_DECREF(place);
    run->bucket = bucket;
    Py_XSETREF(run->segment, Py_NewRef(segment));
    run->minute = minute;
    return bucket;
}

/* What the tables need of a Movement. */
static Moved moved_of(PyObject *movement)
{
    PyObject *to = SLOT(movement_, movement, M_TO), *gain = SLOT(movement_, movement, M_MEMBERSHIP);
    PyObject *stay = SLOT(movement_, movement, M_STAY), *previous = SLOT(movement_, movement, M_PREVIOUS);
    PyObject *cohort_at = SLOT(movement_, movement, M_COHORT_AT);
    Moved moved = {
        .kind = SLOT(movement_, movement, M_KIND), .at = SLOT(movement_, movement, M_AT),
        .scope = SLOT(movement_, movement, M_SCOPE), .customers = SLOT(movement_, movement, M_CUSTOMERS),
        .value = SLOT(movement_, movement, M_VALUE), .activity = SLOT(movement_, movement, M_ACTIVITY),
        .earned = SLOT(movement_, movement, M_EARNED), .reason = SLOT(movement_, movement, M_REASON),
        .loss_kind = SLOT(movement_, movement, M_LOSS_KIND), .early = SLOT(movement_, movement, M_EARLY),
        .to = to == Py_None ? NULL : to, .count = SLOT(movement_, movement, M_COUNT),
        .previous = previous == Py_None ? NULL : previous, .cohort_at = cohort_at == Py_None ? NULL : cohort_at,
        .first_loss = SLOT(movement_, movement, M_FIRST_LOSS) };
    if (gain != Py_None) {
        moved.gained_at = SLOT(membership_, gain, GAIN_AT);
        moved.gained_scope = SLOT(membership_, gain, GAIN_SCOPE);
        moved.gained_activity = SLOT(membership_, gain, GAIN_ACTIVITY);
    }
    for (int i = 0; stay != Py_None && i < STAY_SLOTS; i++)
        moved.stay[i] = SLOT(stay_, stay, i);
    return moved;
}

static int book_moved(BookingRun *run, const Moved *moved, long sign)
{
    long long at = number(moved->at);
    int which = 0;
    while (which < KINDS && kinds[which] != moved->kind)
        which++;
    if (which == KINDS || at < run->minutes_from)
        return 1;
    Step step = { run, moved, bucket_of(run, at, SLOT(scope_, moved->scope, SEGMENT)), sign };
    return step.bucket == NULL ? -1 : book(&step, which);
}

static int book_change(BookingRun *run, PyObject *change)
{
    PyObject *movement = SLOT(change_, change, CHANGE_MOVEMENT), *sign = SLOT(change_, change, CHANGE_SIGN);
    Moved moved = moved_of(movement);
    int left = book_moved(run, &moved, PyLong_AsLong(sign));
    if (left <= 0)
        return left;
    run->bucket = NULL;
    PyObject *done = PyObject_CallMethodObjArgs(((Booking *)run->booking)->tables, s_add, movement, sign, NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int begin(BookingRun *run, PyObject *booking, long long minutes_from)
{
    PyObject *tables = ((Booking *)booking)->tables;
    *run = (BookingRun){ .booking = booking, .minutes_from = minutes_from };
    run->cells = PyObject_GetAttr(tables, s_cells);
    run->dirty = run->cells == NULL ? NULL : PyObject_GetAttr(tables, s_dirty);
    if (run->dirty != NULL && PyDict_CheckExact(run->cells) && PySet_CheckExact(run->dirty))
        return 0;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "the tables are to hold a dict of cells and a set of places");
    Py_CLEAR(run->cells);
    Py_CLEAR(run->dirty);
    return -1;
}

PyDoc_STRVAR(add_doc, "add(changes, minutes_from)\n\nBook a list of Changes; minutes before `minutes_from` are no longer kept.");

static PyObject *Booking_add(Booking *booking, PyObject *arguments)
{
    PyObject *changes, *result = NULL;
    long long minutes_from;
    BookingRun run;
    if (!PyArg_ParseTuple(arguments, "O!L", &PyList_Type, &changes, &minutes_from) ||
        begin(&run, (PyObject *)booking, minutes_from) < 0)
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(changes); i++) {
        PyObject *change = PyList_GET_ITEM(changes, i);
        if (!Py_IS_TYPE(change, change_.type)) {
            PyErr_Format(PyExc_TypeError, "%R is no Change", change);
            goto end;
        }
        if (book_change(&run, change) < 0)
            goto end;
    }
    result = Py_NewRef(Py_None);
end:
    Py_XDECREF(run.cells);
    Py_XDECREF(run.dirty);
    Py_XDECREF(run.segment);
    return result;
}

static PyObject *Booking_new(PyTypeObject *type, PyObject *arguments, PyObject *named)
{
    PyObject *tables;
    if (!PyArg_ParseTuple(arguments, "O", &tables))
        return NULL;
    if (movement_.type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare() was not called");
        return NULL;
    }
    Booking *booking = (Booking *)type->tp_alloc(type, 0);
    if (booking == NULL)
        return NULL;
    booking->tables = tables;
    booking->months = PyMem_Calloc(MONTHS, sizeof(Month));
    if (booking->months == NULL) {
        Py_DECREF(booking);
        return PyErr_NoMemory();
    }
    return (PyObject *)booking;
}

static void Booking_dealloc(Booking *booking)
{
    for (int i = 0; booking->months != NULL && i < MONTHS; i++)
        Py_XDECREF(booking->months[i].name);
    PyMem_Free(booking->months);
    Py_TYPE(booking)->tp_free((PyObject *)booking);
}

static PyMethodDef booking_methods[] = {
    { "add", (PyCFunction)Booking_add, METH_VARARGS, add_doc },
    { NULL, NULL, 0, NULL },
};

static PyTypeObject BookingType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "streams.tables._cells.Booking",
    .tp_doc = PyDoc_STR("Booking(tables): books movements into a PartitionTables, which has to outlive it."),
    .tp_basicsize = sizeof(Booking),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = Booking_new,
    .tp_dealloc = (destructor)Booking_dealloc,
    .tp_methods = booking_methods,
};

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    PyObject *types[6];
    if (!PyArg_UnpackTuple(arguments, "prepare", 6, 6, &types[0], &types[1], &types[2], &types[3], &types[4], &types[5]) ||
        slots_of(&change_, types[1], CHANGE_NAMES, CHANGE_SLOTS) < 0 ||
        slots_of(&scope_, types[2], SCOPE_NAMES, SCOPE_SLOTS) < 0 ||
        slots_of(&membership_, types[3], MEMBERSHIP_NAMES, MEMBERSHIP_SLOTS) < 0 ||
        slots_of(&stay_, types[4], STAY_NAMES, STAY_SLOTS) < 0 ||
        slots_of(&recommendation_, types[5], RECOMMENDATION_NAMES, RECOMMENDATION_SLOTS) < 0 ||
        slots_of(&movement_, types[0], MOVEMENT_NAMES, M_SLOTS) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "prepare", prepare, METH_VARARGS,
      PyDoc_STR("prepare(movement, change, scope, membership, stay, recommendation): take over the types.\n\n"
                "Raises TypeError where a field is no plain slot.") },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cells", "Movements added to cells, compiled.", -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit__cells(void)
{
    static const Word words[] = {
        { &s_cells, "_cells" }, { &s_dirty, "_dirty" }, { &s_add, "add" }, { &s_calendar, "calendar" },
        { &s_month_name, "month_name" }, { &UNKNOWN, "unknown" }, { &empty, "" },
    };
    if (intern_words(words, sizeof words / sizeof *words) < 0)
        return NULL;
    for (int i = 0; i < KINDS; i++)
        if ((kinds[i] = PyUnicode_InternFromString(KIND_NAMES[i])) == NULL)
            return NULL;
    for (int i = 0; i < MOST_CODE; i++)
        if ((codes[i] = PyLong_FromLong(i)) == NULL)
            return NULL;
    for (int i = 0; i < SMALL; i++)
        if ((small[i] = Py_BuildValue("(i)", i)) == NULL)
            return NULL;
    none_stated = PyTuple_New(0);
    static const BookingCalls calls = { begin, book_moved };
    PyObject *module = PyType_Ready(&BookingType) < 0 ? NULL : PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0 ||
        PyModule_AddObjectRef(module, "Booking", (PyObject *)&BookingType) < 0 ||
        PyModule_AddObject(module, "API", PyCapsule_New((void *)&calls, BOOKING_CAPSULE, NULL)) < 0)
        return NULL;
    return module;
}
