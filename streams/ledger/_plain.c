/* The plain step of the ledger, compiled: a newest fact folded onto the state of a customer at once.
 *
 * What it does is defined by the Python code (partition.py, fold.py, transitions.py, losses.py), function by function
 * under the same names, and by the tests that run every history through both. It takes a fact only if folding it
 * touches nothing but the state: no remembered fact of the same id, none newer, nothing due, pending, tangled or half
 * done. Every other fact goes to `PartitionLedger.apply_slowly`, in its place. Before its first change to a customer
 * it has decided; after that only a lack of memory can stop it.
 */
#include "plain_folding.h"

/* Whether a remembered fact has the id of this one, or may have: 1; -1 with an exception. */
static int is_known(Step *step)
{
    PyObject *facts = SLOT(customer_, step->customer, C_FACTS), *id = of_fact(step, FACT_ID);
    Py_ssize_t count = PyList_GET_SIZE(facts);
    if (count >= INDEX_AT) {
        PyObject *ids = SLOT(customer_, step->customer, C_IDS);
        if (ids == Py_None)
            return 1;
        PyObject *key = cause_of(step);
        return key == NULL ? -1 : PyDict_Contains(ids, key);
    }
    for (Py_ssize_t i = count - 1; i >= 0; i--)
        if (same_text(SLOT(fact_, PyList_GET_ITEM(facts, i), FACT_ID), id))
            return 1;
    return 0;
}

/* Whether folding this fact onto the state is all there is to do; the status in `status`. -1 with an exception. */
static int is_plain(Run *run, Step *step, long *status)
{
    PyObject *customer = step->customer, *kind = step->kind, *state = step->state;
    if (kind != VALUE_CHANGED && kind != PURCHASED && kind != PROFILE_CHANGED && kind != JOINED && kind != LEFT &&
        kind != RECOMMENDED)
        return 0;
    if (step->at < run->watermark - run->horizon || SLOT(customer_, customer, C_TANGLED) != Py_False)
        return 0;
    if (number(PyTuple_GET_ITEM(SLOT(customer_, customer, C_NEWEST), 0)) >= step->at ||
        number(SLOT(customer_, customer, C_BY_CLOCK_AT)) > step->at)
        return 0;
    if (of_state(step, S_PENDING) != Py_None || of_state(step, S_CHANGING) != Py_False)
        return 0;
    Py_ssize_t count = PyList_GET_SIZE(SLOT(customer_, customer, C_FACTS)) + 1;
    if (count % SNAPSHOT_EVERY == 0)
        return 0;
    PyObject *reported = of_state(step, S_REPORTED);
    PyObject *lapse_due = of_state(step, S_LAPSE_DUE);
    *status = PyLong_AsLong(of_state(step, S_STATUS));
    if (reported != Py_None && (kind == LEFT || kind == JOINED)) {
        int same_silo = same_text(SLOT(reported_, reported, REPORTED_SILO), of_fact(step, FACT_SILO));
        if (kind == LEFT ? !same_silo
                         : same_silo && of_state(step, S_HALF) != Py_False &&
                               step->at <= number(SLOT(reported_, reported, REPORTED_AT)) + run->grouping)
            return 0;
    }
    if (kind == LEFT && *status == UNKNOWN_STATUS)
        return 0;
    if (*status == UNKNOWN_STATUS && kind != JOINED && kind != PURCHASED && kind != RECOMMENDED)
        return 0;
    if (*status != ACTIVE && SLOT(state_, state, S_LAPSED) != Py_False)
        return 0;
    if (of_state(step, S_IMPLIED) != Py_None &&
        (*status == ACTIVE ? kind == LEFT : kind == JOINED || kind == PURCHASED))
        return 0;
    if (lapse_due != Py_None && *status == ACTIVE) {
        long long due = number(lapse_due);
        if (due <= step->at || due <= run->clock)
            return 0;
    }
    if (run->lapse_after >= 0 && step->at + run->lapse_after <= run->clock)
        return 0;
    int known = is_known(step);
    return known < 0 ? -1 : !known;
}

static int remember(Run *run, Step *step)
{
    PyObject *customer = step->customer, *fact = step->fact, *facts = SLOT(customer_, customer, C_FACTS);
    if (PyList_Append(facts, fact) < 0)
        return -1;
    if (SLOT(customer_, customer, C_SAVED) == Py_True && PyList_Append(SLOT(customer_, customer, C_UNSAVED), fact) < 0)
        return -1;
    put_shared(&customer_, customer, C_FOLDED_TO, of_fact(step, FACT_AT));
    PyObject *newest = PyTuple_Pack(5, of_fact(step, FACT_AT), of_fact(step, FACT_SILO),
                                    of_fact(step, FACT_SEQUENCE), of_fact(step, FACT_ID), of_fact(step, FACT_PLACE));
    if (newest == NULL)
        return -1;
    put(&customer_, customer, C_NEWEST, newest);
    PyObject *ids = SLOT(customer_, customer, C_IDS);
    if (ids != Py_None) {
        PyObject *key = cause_of(step), *alone = key == NULL ? NULL : PyList_New(1);
        if (alone == NULL)
            return -1;
        PyList_SET_ITEM(alone, 0, Py_NewRef(fact));
        int failed = PyDict_SetItem(ids, key, alone);
        Py_DECREF(alone);
        if (failed < 0)
            return -1;
    }
    if (PyList_GET_SIZE(facts) % SETTLE_EVERY == 0 &&
        number(SLOT(fact_, PyList_GET_ITEM(facts, 0), FACT_AT)) < run->watermark - run->horizon - run->grouping) {
        PyObject *rules = PyObject_GetAttrString(run->ledger, "rules");
        PyObject *watermark = rules == NULL ? NULL : PyLong_FromLongLong(run->watermark);
        PyObject *settled = watermark == NULL ? NULL
            : PyObject_CallFunctionObjArgs(settle_function, rules, customer, watermark, NULL);
        Py_XDECREF(rules);
        Py_XDECREF(watermark);
        if (settled == NULL)
            return -1;
        Py_DECREF(settled);
    }
    return 0;
}

static int schedule(Run *run, Step *step)
{
    PyObject *due = of_state(step, S_LAPSE_DUE);
    if (due == Py_None || PyLong_AsLong(of_state(step, S_STATUS)) != ACTIVE)
        return 0;
    long long minute = number(SLOT(customer_, step->customer, C_WHEEL_MINUTE));
    if (minute != 0 && floor_div(number(due), MINUTE_US) >= minute)
        return 0;
    PyObject *done = PyObject_CallMethodObjArgs(run->ledger, s_schedule, step->id, step->customer, NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static PyObject *new_customer(Run *run, PyObject *id)
{
    PyObject *base = PyObject_CallNoArgs((PyObject *)state_.type), *state = PyObject_CallNoArgs((PyObject *)state_.type);
    PyObject *facts = PyList_New(0), *made = NULL;
    if (base != NULL && state != NULL && facts != NULL) {
        PyObject *arguments[] = { base, facts, state, never_order };
        made = PyObject_Vectorcall((PyObject *)customer_.type, arguments, 4, NULL);
        if (made != NULL && PyDict_SetItem(run->customers, id, made) < 0)
            Py_CLEAR(made);
    }
    Py_XDECREF(base);
    Py_XDECREF(state);
    Py_XDECREF(facts);
    return made;
}

/* Whether a fact of a customer never seen is a plain beginning, with nothing due by the clock already. */
static int begins_plainly(Run *run, Step *step)
{
    if ((step->kind != JOINED && step->kind != PURCHASED && step->kind != OPENING) ||
        step->at < run->watermark - run->horizon)
        return 0;
    if (run->lapse_after < 0)
        return 1;
    PyObject *last = of_fact(step, FACT_LAST_FACT_AT);
    long long from = step->kind == OPENING && last != Py_None ? number(last) : step->at;
    return from + run->lapse_after > run->clock && from + run->lapse_after > step->at;
}

/* 1: folded; 0: it is for the slow way; -1 with an exception. */
static int apply_plainly(Run *run, PyObject *fact, long long at)
{
    Step step = { .fact = fact, .at = at, .when = SLOT(fact_, fact, FACT_AT), .kind = SLOT(fact_, fact, FACT_KIND),
                  .id = SLOT(fact_, fact, FACT_CUSTOMER) };
    long status;
    PyObject *found = PyDict_GetItemWithError(run->customers, step.id);
    if (found == NULL && run->may_wake && !PyErr_Occurred()) {
        PyObject *woken = PyObject_CallMethodOneArg(run->ledger, s_wake, step.id);
        Py_XDECREF(woken);
        if (woken != NULL && woken != Py_None)
            found = PyDict_GetItemWithError(run->customers, step.id);
    }
    if (found == NULL) {
        if (PyErr_Occurred())
            return -1;
        if (!begins_plainly(run, &step))
            return 0;
        step.customer = new_customer(run, step.id);
        if (step.customer == NULL)
            return -1;
        status = UNKNOWN_STATUS;
    } else if (Py_IS_TYPE(found, customer_.type)) {
        step.customer = Py_NewRef(found);
    } else {
        return 0;
    }
    step.state = SLOT(customer_, step.customer, C_STATE);
    int done = found == NULL ? 1 : is_plain(run, &step, &status);
    if (done == 1) {
        int outcome = fold(run, &step, status);
        if (outcome < 0 || remember(run, &step) < 0 || schedule(run, &step) < 0 || PySet_Add(run->dirty, step.id) < 0)
            done = -1;
        else
            run->tally[outcome]++;
    }
    Py_XDECREF(step.cause);
    Py_DECREF(step.customer);
    return done;
}

/* Asks the processor for what the next facts will need of their customers, all at once: one by one, waiting for memory
 * would be most of the work. A hint; nothing is changed. -1 with an exception if something else is among the facts. */
static int fetch_ahead(const Run *run, PyObject *facts, Py_ssize_t start)
{
    PyObject *customers[AHEAD], *lists[AHEAD];
    int count = 0;
    for (Py_ssize_t i = start; i < start + AHEAD && i < PyList_GET_SIZE(facts); i++) {
        PyObject *fact = PyList_GET_ITEM(facts, i);
        if (!Py_IS_TYPE(fact, fact_.type)) {
            PyErr_Format(PyExc_TypeError, "%R is no fact", fact);
            return -1;
        }
        PyObject *found = PyDict_GetItemWithError(run->customers, SLOT(fact_, fact, FACT_CUSTOMER));
        if (found == NULL && PyErr_Occurred())
            return -1;
        if (found == NULL)
            continue;
        customers[count++] = found;
        __builtin_prefetch(found);
        __builtin_prefetch((char *)found + 64);
        __builtin_prefetch((char *)found + 128);
    }
    for (int i = 0; i < count; i++) {
        if (!Py_IS_TYPE(customers[i], customer_.type)) {
            customers[i--] = customers[--count];
            continue;
        }
        char *state = (char *)SLOT(customer_, customers[i], C_STATE);
        for (int line = 0; line < 4; line++)
            __builtin_prefetch(state + 64 * line);
        lists[i] = SLOT(customer_, customers[i], C_FACTS);
        __builtin_prefetch(lists[i]);
        __builtin_prefetch(SLOT(customer_, customers[i], C_NEWEST));
    }
    int few = 0;
    for (int i = 0; i < count; i++)
        if (PyList_CheckExact(lists[i]) && PyList_GET_SIZE(lists[i]) > 0 && PyList_GET_SIZE(lists[i]) < INDEX_AT) {
            lists[few++] = lists[i];
            __builtin_prefetch(((PyListObject *)lists[i])->ob_item);
        }
    for (int i = 0; i < few; i++)
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(lists[i]); j++)
            __builtin_prefetch(&SLOT(fact_, PyList_GET_ITEM(lists[i], j), FACT_ID));
    for (int i = 0; i < few; i++)
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(lists[i]); j++)
            __builtin_prefetch(SLOT(fact_, PyList_GET_ITEM(lists[i], j), FACT_ID));
    return 0;
}

static int apply_slowly(Run *run, PyObject *fact)
{
    PyObject *watermark = PyLong_FromLongLong(run->watermark);
    if (watermark == NULL)
        return -1;
    int failed = PyObject_SetAttr(run->ledger, s_watermark, watermark);
    Py_DECREF(watermark);
    if (failed < 0)
        return -1;
    PyObject *done = PyObject_CallMethodOneArg(run->ledger, s_slowly, fact);
    Py_XDECREF(done);
    return done == NULL ? -1 : drain(run);
}

/* Looks up what the pieces that book and write offer; -1 with an exception. */
static int tells_at_once(void)
{
    if (booking_ == NULL)
        booking_ = PyCapsule_Import(BOOKING_CAPSULE, 0);
    if (lines_ == NULL && booking_ != NULL)
        lines_ = PyCapsule_Import(LINES_CAPSULE, 0);
    return lines_ == NULL ? -1 : 0;
}

PyDoc_STRVAR(apply_doc,
"apply(ledger, facts, watermark, clock, horizon, grouping, early_within, lapse_after, restarted, teller) -> tuple\n\n"
"Apply a list of facts to a PartitionLedger in their order; those that are not plain by its `apply_slowly`. Movements\n"
"go to `ledger.changes`; with a `teller` (None, or a `Teller` of plain.py) at once to where they are told.\n"
"Instants and spans are microseconds; lapse_after is -1 without a lapse rule. Returns the watermark, then the tallies\n"
"of the facts that were plain, in the order of `TALLIES`.");

static PyObject *apply(PyObject *module, PyObject *arguments)
{
    Run run = { 0 };
    PyObject *facts, *teller, *booking;
    long long minutes_from;
    if (!PyArg_ParseTuple(arguments, "OO!LLLLLLO!O", &run.ledger, &PyList_Type, &facts, &run.watermark, &run.clock,
                          &run.horizon, &run.grouping, &run.early_within, &run.lapse_after, &PyFrozenSet_Type,
                          &run.restarted, &teller))
        return NULL;
    if (fact_.type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare() was not called");
        return NULL;
    }
    if (teller != Py_None &&
        (!PyArg_ParseTuple(teller, "OLOO!lO", &booking, &minutes_from, &run.take_lines, &PySet_Type, &run.movers,
                           &run.room, &run.drain) ||
         tells_at_once() < 0 || booking_->begin(&run.booked, booking, minutes_from) < 0))
        return NULL;
    PyObject *result = NULL;
    run.customers = PyObject_GetAttr(run.ledger, s_customers);
    run.dirty = PyObject_GetAttr(run.ledger, s_dirty);
    run.changes = PyObject_GetAttr(run.ledger, s_changes);
    if (run.customers == NULL || run.dirty == NULL || run.changes == NULL)
        goto end;
    if (!PyDict_CheckExact(run.customers) || !PySet_CheckExact(run.dirty) || !PyList_CheckExact(run.changes)) {
        PyErr_SetString(PyExc_TypeError, "customers, dirty and changes are to be a dict, a set and a list");
        goto end;
    }
    PyObject *resting = PyObject_GetAttr(run.ledger, s_resting);
    run.may_wake = resting == NULL ? -1 : PyObject_IsTrue(resting);
    Py_XDECREF(resting);
    if (run.may_wake < 0)
        goto end;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(facts); i++) {
        if (i % AHEAD == 0 && fetch_ahead(&run, facts, i) < 0)
            goto end;
        PyObject *fact = PyList_GET_ITEM(facts, i);
        long long at = number(SLOT(fact_, fact, FACT_AT));
        if (at > run.watermark)
            run.watermark = at;
        int done = apply_plainly(&run, fact, at);
        if (done < 0 || (done == 0 && apply_slowly(&run, fact) < 0))
            goto end;
        run.tally[FACTS] += done;
    }
    if (hand_over_lines(&run) < 0)
        goto end;
    result = PyTuple_New(1 + TALLIES);
    if (result == NULL)
        goto end;
    for (int i = 0; i <= TALLIES; i++) {
        PyObject *n = PyLong_FromLongLong(i == 0 ? run.watermark : run.tally[i - 1]);
        if (n == NULL) {
            Py_CLEAR(result);
            break;
        }
        PyTuple_SET_ITEM(result, i, n);
    }
end:
    Py_XDECREF(run.customers);
    Py_XDECREF(run.dirty);
    Py_XDECREF(run.changes);
    Py_XDECREF(run.booked.cells);
    Py_XDECREF(run.booked.dirty);
    Py_XDECREF(run.booked.segment);
    PyMem_Free(run.lines.bytes);
    return result;
}

PyDoc_STRVAR(prepare_doc,
"prepare(fact, customer, state, movement, scope, reported, joined, change, membership, stay, recommendation, active,\n"
"        lost, settle, never)\n\n"
"Take over the types of the ledger, two statuses, the function `settle` and the order before all others.\n"
"Raises TypeError where a field is no plain slot.");

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    PyObject *types[15];
    if (!PyArg_UnpackTuple(arguments, "prepare", 15, 15, &types[0], &types[1], &types[2], &types[3], &types[4],
                           &types[5], &types[6], &types[7], &types[8], &types[9], &types[10], &types[11], &types[12],
                           &types[13], &types[14]))
        return NULL;
    if (slots_of(&customer_, types[1], CUSTOMER_NAMES, C_SLOTS) < 0 ||
        slots_of(&state_, types[2], STATE_NAMES, S_SLOTS) < 0 ||
        slots_of(&movement_, types[3], MOVEMENT_NAMES, M_SLOTS) < 0 ||
        slots_of(&scope_, types[4], SCOPE_NAMES, SCOPE_SLOTS) < 0 ||
        slots_of(&reported_, types[5], REPORTED_NAMES, REPORTED_SLOTS) < 0 ||
        slots_of(&joined_, types[6], JOINED_NAMES, JOINED_SLOTS) < 0 ||
        slots_of(&fact_, types[0], FACT_NAMES, FACT_SLOTS) < 0)
        return NULL;
    PyObject **kept[] = { &change_type, &membership_type, &stay_type, &recommendation_type, &status_active,
                          &status_lost, &settle_function, &never_order };
    for (int i = 0; i < 8; i++)
        Py_XSETREF(*kept[i], Py_NewRef(types[7 + i]));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "apply", apply, METH_VARARGS, apply_doc },
    { "prepare", prepare, METH_VARARGS, prepare_doc },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_plain", "The plain step of the ledger, compiled.", -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit__plain(void)
{
    static const Word words[] = {
        { &JOINED, "joined" }, { &PURCHASED, "purchased" }, { &LEFT, "left" }, { &VALUE_CHANGED, "value_changed" },
        { &PROFILE_CHANGED, "profile_changed" }, { &RECOMMENDED, "recommended" }, { &OPENING, "opening" }, { &NEW, "new" },
        { &RETURNED, "returned" }, { &LOST, "lost" }, { &EXPANSION, "expansion" }, { &CONTRACTION, "contraction" },
        { &TRANSFER, "transfer" }, { &UNKNOWN, "unknown" }, { &VOLUNTARY, "voluntary" }, { &s_copy, "__copy__" },
        { &s_slowly, "apply_slowly" }, { &s_wake, "wake" }, { &s_resting, "resting" }, { &s_schedule, "_schedule" }, { &s_watermark, "watermark" },
        { &s_customers, "customers" }, { &s_dirty, "dirty" }, { &s_changes, "changes" },
    };
    if (intern_words(words, sizeof words / sizeof *words) < 0)
        return NULL;
    zero = PyLong_FromLong(0);
    one = PyLong_FromLong(1);
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    PyObject *tallies = Py_BuildValue("(sssssssssssss)", "applied", "no_change", "already_active", "already_lost",
                                      "not_active", "not_a_customer", "new", "returned", "lost", "expansion",
                                      "contraction", "transfer", "recommended");
    if (tallies == NULL || PyModule_AddObject(module, "TALLIES", tallies) < 0 ||
        PyModule_AddIntConstant(module, "VERSION", VERSION) < 0)
        return NULL;
    return module;
}
