/* The plain step of the ledger, compiled: a newest fact folded onto the state of a customer at once.
 *
 * What it does is defined by the Python code (partition.py, fold.py, transitions.py, losses.py), function by function
 * under the same names, and by the tests that run every history through both. It takes a fact only if folding it
 * touches nothing but the state: no remembered fact of the same id, none newer, nothing due, pending, tangled or half
 * done. Every other fact goes to `PartitionLedger.apply_slowly`, in its place. Before its first change to a customer
 * it has decided; after that only a lack of memory can stop it.
 */
#include "../moved.h"

enum { FACT_KIND, FACT_AT, FACT_CUSTOMER, FACT_SILO, FACT_ID, FACT_SEQUENCE, FACT_PLACE, FACT_VALUE, FACT_SEGMENT,
       FACT_REGION, FACT_PRODUCT, FACT_ACTIVITY, FACT_EARNED, FACT_REASON, FACT_LOSS_KIND, FACT_COUNT, FACT_SINCE,
       FACT_LAST_FACT_AT, FACT_SLOTS };
static const char *const FACT_NAMES[] = {
    "kind", "at", "customer_id", "silo", "event_id", "sequence", "place", "value", "segment",
    "region", "product", "activity", "earned", "reason", "loss_kind", "count", "since", "last_fact_at" };
enum { C_BASE, C_FACTS, C_STATE, C_NEWEST, C_FOLDED_TO, C_BY_CLOCK_AT, C_TANGLED, C_WHEEL_MINUTE, C_IDS,
       C_BEFORE_LOSS, C_SAVED, C_UNSAVED, C_SLOTS };
static const char *const CUSTOMER_NAMES[] = {
    "base", "facts", "state", "newest", "folded_to", "by_clock_at", "tangled", "wheel_minute", "ids",
    "before_loss", "saved", "unsaved" };
enum { S_STATUS, S_VALUE, S_SCOPE, S_GAINED_AT, S_GAINED_SCOPE, S_ACTIVITY, S_EARLY_FROM, S_OPENED_AT,
       S_OPENED_VALUE, S_SEGMENT_FROM, S_REGION_FROM, S_PRODUCT_FROM, S_STEPS, S_COHORT_AT, S_EVER_LOST, S_LAPSED,
       S_LAPSE_DUE, S_PENDING, S_JOINED, S_REPORTED, S_HALF, S_CHANGING, S_RECOMMENDED, S_IMPLIED, S_SLOTS };
static const char *const STATE_NAMES[] = {
    "status", "value", "scope", "gained_at", "gained_scope", "activity", "early_from", "opened_at",
    "opened_value", "segment_from", "region_from", "product_from", "steps", "cohort_at", "ever_lost", "lapsed",
    "lapse_due", "pending", "joined", "reported", "half", "changing", "recommended", "implied" };
enum { M_ACTIVITY, M_EARNED, M_REASON, M_LOSS_KIND, M_EARLY, M_TO, M_COUNT, M_MEMBERSHIP, M_STAY, M_PREVIOUS,
       M_COHORT_AT, M_FIRST_LOSS, M_SLOTS };
static const char *const MOVEMENT_NAMES[] = {
    "activity", "earned", "reason", "loss_kind", "early", "to", "count", "membership", "stay", "previous",
    "cohort_at", "first_loss" };
enum { SCOPE_SEGMENT, SCOPE_REGION, SCOPE_PRODUCT, SCOPE_SLOTS };
static const char *const SCOPE_NAMES[] = { "segment", "region", "product" };
enum { REPORTED_AT, REPORTED_SILO, REPORTED_SLOTS };
static const char *const REPORTED_NAMES[] = { "at", "silo" };
enum { JOINED_FACT, JOINED_TAKEN, JOINED_SLOTS };
static const char *const JOINED_NAMES[] = { "fact", "taken" };

static Slots fact_, customer_, state_, movement_, scope_, reported_, joined_;
static const BookingCalls *booking_;
static const LinesCalls *lines_;
static PyObject *change_type, *membership_type, *stay_type, *recommendation_type;
static PyObject *status_active, *status_lost, *settle_function;

/* Kinds of facts and movements: interned texts, compared by identity; an equal text that is another object goes the
 * slow way, which compares by value. */
static PyObject *JOINED, *PURCHASED, *LEFT, *VALUE_CHANGED, *PROFILE_CHANGED, *RECOMMENDED, *OPENING;
static PyObject *NEW, *RETURNED, *LOST, *EXPANSION, *CONTRACTION, *TRANSFER;
static PyObject *UNKNOWN, *VOLUNTARY;
static PyObject *s_copy, *s_slowly, *s_wake, *s_resting, *s_schedule, *s_watermark, *s_customers, *s_dirty, *s_changes, *zero, *one;
static PyObject *never_order;

enum { APPLIED, NO_CHANGE, ALREADY_ACTIVE, ALREADY_LOST, NOT_ACTIVE, NOT_A_CUSTOMER,
       T_NEW, T_RETURNED, T_LOST, T_EXPANSION, T_CONTRACTION, T_TRANSFER, T_RECOMMENDED, FACTS, TALLIES,
       T_OPENING /* no movement that is counted */, ALL_TALLIES };

#define INDEX_AT 24
#define AHEAD 16
#define SETTLE_EVERY 16
#define SNAPSHOT_EVERY 64
#define LONGEST_WINDOW_US (93LL * 86400 * 1000000)
#define MINUTE_US 60000000LL
#define UNKNOWN_STATUS 0
#define ACTIVE 1

typedef struct {
    PyObject *ledger, *customers, *dirty, *changes, *restarted;  /* borrowed but for the first's attributes */
    long long watermark, clock, horizon, grouping, early_within, lapse_after;
    int may_wake;  /* some customers rest */
    /* Where movements go at once, if anywhere: the tables, and the lines of the next flush. */
    PyObject *take_lines, *movers, *drain;
    BookingRun booked;
    Lines lines;
    long line_count, room;
    long long tally[ALL_TALLIES];
} Run;

/* One fact, while it is folded. */
typedef struct {
    PyObject *fact, *customer, *state, *id, *cause;
    PyObject *kind, *when;  /* `when`: `at` as an object, that of another fact where two make one change */
    long long at;
} Step;

static inline PyObject *of_fact(const Step *step, int field) { return SLOT(fact_, step->fact, field); }
static inline PyObject *of_state(const Step *step, int field) { return SLOT(state_, step->state, field); }

static inline int same_text(PyObject *a, PyObject *b)
{
    return a == b || (a != Py_None && b != Py_None && PyUnicode_Compare(a, b) == 0);
}

static long long floor_div(long long a, long long b)
{
    long long q = a / b;
    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

static inline long long number(PyObject *object) { return PyLong_AsLongLong(object); }

/* (silo, event id, place): the cause of movements, and the key under which ids are looked up. */
static PyObject *cause_of(Step *step)
{
    if (step->cause == NULL)
        step->cause = PyTuple_Pack(3, of_fact(step, FACT_SILO), of_fact(step, FACT_ID), of_fact(step, FACT_PLACE));
    return step->cause;
}

/* ---- what is emitted ---- */

static Moved moved_by(const Step *step, PyObject *kind, PyObject *scope, PyObject *customers, PyObject *value)
{
    return (Moved){ .customer_id = step->id, .kind = kind, .at = step->when, .scope = scope, .customers = customers,
                    .value = value, .silo = of_fact(step, FACT_SILO), .event_id = of_fact(step, FACT_ID),
                    .place = of_fact(step, FACT_PLACE) };
}

/* The Movement itself. */
static PyObject *movement_of(Step *step, const Moved *moved)
{
    PyObject *cause = cause_of(step);
    if (cause == NULL)
        return NULL;
    PyObject *arguments[] = { moved->kind, moved->at, moved->scope, moved->customers, moved->value, cause };
    PyObject *made = PyObject_Vectorcall((PyObject *)movement_.type, arguments, 6, NULL);
    if (made == NULL)
        return NULL;
    const struct { int field; PyObject *value; } stated[] = {
        { M_ACTIVITY, moved->activity }, { M_EARNED, moved->earned }, { M_REASON, moved->reason },
        { M_LOSS_KIND, moved->loss_kind }, { M_EARLY, moved->early }, { M_TO, moved->to }, { M_COUNT, moved->count },
        { M_PREVIOUS, moved->previous }, { M_COHORT_AT, moved->cohort_at }, { M_FIRST_LOSS, moved->first_loss } };
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++)
        if (stated[i].value != NULL)
            put_shared(&movement_, made, stated[i].field, stated[i].value);
    if (moved->gained_at != NULL) {
        PyObject *gained[] = { moved->gained_at, moved->gained_scope, moved->gained_activity };
        PyObject *membership = PyObject_Vectorcall(membership_type, gained, 3, NULL);
        if (membership == NULL) {
            Py_DECREF(made);
            return NULL;
        }
        put(&movement_, made, M_MEMBERSHIP, membership);
    }
    if (moved->stay[TOTAL_FROM] != NULL) {
        PyObject *stay = PyObject_Vectorcall(stay_type, moved->stay, STAY_SLOTS, NULL);
        if (stay == NULL) {
            Py_DECREF(made);
            return NULL;
        }
        put(&movement_, made, M_STAY, stay);
    }
    return made;
}

/* Gives the lines written so far to Python. */
static int hand_over_lines(Run *run)
{
    if (run->line_count == 0)
        return 0;
    PyObject *room = PyObject_CallFunction(run->take_lines, "y#l", run->lines.bytes, (Py_ssize_t)run->lines.length,
                                           run->line_count);
    run->lines.length = 0;
    run->line_count = 0;
    run->room = room == NULL ? 0 : PyLong_AsLong(room);
    Py_XDECREF(room);
    return room == NULL || PyErr_Occurred() ? -1 : 0;
}

/* Gives the lines and then the Changes to Python, which books these and writes their lines. */
static int drain(Run *run)
{
    if (run->drain == NULL || PyList_GET_SIZE(run->changes) == 0)
        return 0;
    run->booked.bucket = NULL;
    if (hand_over_lines(run) < 0)
        return -1;
    PyObject *room = PyObject_CallNoArgs(run->drain);
    run->room = room == NULL ? 0 : PyLong_AsLong(room);
    Py_XDECREF(room);
    return room == NULL || PyErr_Occurred() ? -1 : 0;
}

/* Books a movement and writes its line; 1: one of the two is for Python, and neither has been done. */
static int tell_at_once(Run *run, const Moved *moved)
{
    size_t before = run->lines.length;
    int left = lines_->write(&run->lines, moved, 1);
    if (left)
        return left;
    left = booking_->book(&run->booked, moved, 1);
    if (left) {
        run->lines.length = before;
        return left;
    }
    run->line_count++;
    return PySet_Add(run->movers, moved->customer_id) < 0 || (run->line_count >= run->room && hand_over_lines(run) < 0)
               ? -1 : 0;
}

static int emit(Run *run, Step *step, const Moved *moved, int tally)
{
    run->tally[tally]++;
    if (run->drain != NULL) {
        int left = tell_at_once(run, moved);
        if (left <= 0)
            return left;
    }
    PyObject *movement = movement_of(step, moved);
    if (movement == NULL)
        return -1;
    PyObject *arguments[] = { step->id, movement, one };
    PyObject *change = PyObject_Vectorcall(change_type, arguments, 3, NULL);
    Py_DECREF(movement);
    if (change == NULL)
        return -1;
    int failed = PyList_Append(run->changes, change);
    Py_DECREF(change);
    return failed < 0 ? -1 : drain(run);
}

static void end_stay(const Step *step, Moved *moved)
{
    PyObject *const stay[] = {
        of_state(step, S_GAINED_AT), of_state(step, S_SEGMENT_FROM), of_state(step, S_REGION_FROM),
        of_state(step, S_PRODUCT_FROM), of_state(step, S_OPENED_AT), of_state(step, S_OPENED_VALUE),
        of_state(step, S_STEPS) };
    memcpy(moved->stay, stay, sizeof stay);
}

static PyObject *unless_none(PyObject *object) { return object == Py_None ? NULL : object; }

/* ---- fields of a fact ---- */

/* The scope that the fact leaves the customer in; the held one where nothing differs. A new reference. */
static PyObject *admitted_scope(Step *step)
{
    PyObject *held = of_state(step, S_SCOPE);
    PyObject *parts[3];
    int differs = 0;
    for (int i = 0; i < 3; i++) {
        PyObject *stated = of_fact(step, FACT_SEGMENT + i), *now = SLOT(scope_, held, SCOPE_SEGMENT + i);
        parts[i] = stated == Py_None ? now : stated;
        if (parts[i] != now && !same_text(parts[i], now))
            differs = 1;
    }
    if (!differs) {
        Py_INCREF(held);
        return held;
    }
    return PyObject_Vectorcall((PyObject *)scope_.type, parts, 3, NULL);
}

static int transfer(Run *run, Step *step, PyObject *scope)
{
    PyObject *held = of_state(step, S_SCOPE), *opened = of_state(step, S_OPENED_AT);
    Moved moved = moved_by(step, TRANSFER, held, one, of_state(step, S_VALUE));
    end_stay(step, &moved);
    moved.to = scope;
    if (emit(run, step, &moved, T_TRANSFER) < 0)
        return -1;
    PyObject *began = opened != Py_None && number(opened) == step->at ? PyLong_FromLongLong(step->at + 1)
                                                                              : Py_NewRef(step->when);
    if (began == NULL)
        return -1;
    for (int i = 0; i < 3; i++)
        if (!same_text(SLOT(scope_, scope, SCOPE_SEGMENT + i), SLOT(scope_, held, SCOPE_SEGMENT + i)))
            put_shared(&state_, step->state, S_SEGMENT_FROM + i, began);
    Py_DECREF(began);
    put_shared(&state_, step->state, S_SCOPE, scope);
    return 0;
}

/* The steps of value with one more: (*kept, (at, value)). */
static PyObject *steps_after(Step *step, PyObject *value)
{
    PyObject *steps = of_state(step, S_STEPS);
    Py_ssize_t count = PyTuple_GET_SIZE(steps), drop = 0, end = count;
    long long begin = step->at - LONGEST_WINDOW_US;
    while (drop + 1 < count && number(PyTuple_GET_ITEM(PyTuple_GET_ITEM(steps, drop + 1), 0)) < begin)
        drop++;
    if (count > 0 && floor_div(number(PyTuple_GET_ITEM(PyTuple_GET_ITEM(steps, count - 1), 0)), MINUTE_US) ==
                         floor_div(step->at, MINUTE_US))
        end--;
    if (end < drop)
        end = drop;
    PyObject *after = PyTuple_New(end - drop + 1);
    if (after == NULL)
        return NULL;
    for (Py_ssize_t i = drop; i < end; i++)
        PyTuple_SET_ITEM(after, i - drop, Py_NewRef(PyTuple_GET_ITEM(steps, i)));
    PyObject *newest = PyTuple_Pack(2, step->when, value);
    if (newest == NULL) {
        Py_DECREF(after);
        return NULL;
    }
    PyTuple_SET_ITEM(after, end - drop, newest);
    return after;
}

static int revalue(Run *run, Step *step, PyObject *value)
{
    long long difference = number(value) - number(of_state(step, S_VALUE));
    PyObject *size = PyLong_FromLongLong(difference > 0 ? difference : -difference);
    if (size == NULL)
        return -1;
    PyObject *kind = difference > 0 ? EXPANSION : CONTRACTION;
    Moved moved = moved_by(step, kind, of_state(step, S_SCOPE), zero, size);
    int failed = emit(run, step, &moved, difference > 0 ? T_EXPANSION : T_CONTRACTION);
    Py_DECREF(size);
    if (failed)
        return -1;
    PyObject *steps = steps_after(step, value);
    if (steps == NULL)
        return -1;
    put_shared(&state_, step->state, S_VALUE, value);
    put(&state_, step->state, S_STEPS, steps);
    return 0;
}

/* Transfer, then a new value; 1 when anything changed. */
static int take_fields(Run *run, Step *step)
{
    int changed = 0;
    PyObject *scope = admitted_scope(step), *value = of_fact(step, FACT_VALUE);
    if (scope == NULL)
        return -1;
    if (scope != of_state(step, S_SCOPE)) {
        changed = 1;
        if (transfer(run, step, scope) < 0)
            changed = -1;
    }
    Py_DECREF(scope);
    if (changed >= 0 && value != Py_None && number(value) != number(of_state(step, S_VALUE)))
        changed = revalue(run, step, value) < 0 ? -1 : 1;
    return changed;
}

/* Whether facts of this kind break the silence that makes a lapse. */
static int restarts(Run *run, Step *step)
{
    return run->lapse_after >= 0 && PySet_Contains(run->restarted, step->kind) == 1;
}

static int restart_lapse(Run *run, Step *step)
{
    if (run->lapse_after < 0)
        return 0;
    PyObject *due = PyLong_FromLongLong(step->at + run->lapse_after);
    if (due == NULL)
        return -1;
    put(&state_, step->state, S_LAPSE_DUE, due);
    return 0;
}

/* ---- rows of the table ---- */

/* The value is the fact's; where it states none, `value`. */
static int begin_membership(Step *step, PyObject *value)
{
    PyObject *at = of_fact(step, FACT_AT), *activity = of_fact(step, FACT_ACTIVITY), *state = step->state;
    PyObject *scope = admitted_scope(step);
    if (scope == NULL)
        return -1;
    if (of_fact(step, FACT_VALUE) != Py_None)
        value = of_fact(step, FACT_VALUE);
    put_shared(&state_, state, S_STATUS, status_active);
    put_shared(&state_, state, S_LAPSED, Py_False);
    put_shared(&state_, state, S_VALUE, value);
    put_shared(&state_, state, S_SCOPE, scope);
    put_shared(&state_, state, S_GAINED_AT, at);
    put(&state_, state, S_GAINED_SCOPE, scope);
    put_shared(&state_, state, S_ACTIVITY, activity == Py_None ? UNKNOWN : activity);
    for (int i = 0; i < 3; i++)
        put_shared(&state_, state, S_SEGMENT_FROM + i, at);
    PyObject *first = PyTuple_Pack(2, at, of_state(step, S_VALUE));
    PyObject *steps = first == NULL ? NULL : PyTuple_Pack(1, first);
    Py_XDECREF(first);
    if (steps == NULL)
        return -1;
    put(&state_, state, S_STEPS, steps);
    put_shared(&state_, state, S_JOINED, Py_None);
    return 0;
}

static int gain(Run *run, Step *step, long status)
{
    int is_new = status == UNKNOWN_STATUS;
    PyObject *state = step->state;
    if (is_new)
        put_shared(&state_, state, S_COHORT_AT, of_fact(step, FACT_AT));
    if (begin_membership(step, of_state(step, S_VALUE)) < 0)
        return -1;
    put_shared(&state_, state, S_EARLY_FROM, of_fact(step, FACT_AT));
    put_shared(&state_, state, S_OPENED_AT, Py_None);
    if (restart_lapse(run, step) < 0)
        return -1;
    Moved moved = moved_by(step, is_new ? NEW : RETURNED, of_state(step, S_SCOPE), one, of_state(step, S_VALUE));
    moved.activity = of_state(step, S_ACTIVITY);
    moved.earned = is_new ? of_fact(step, FACT_EARNED) : Py_False;
    moved.cohort_at = unless_none(of_state(step, S_COHORT_AT));
    return emit(run, step, &moved, is_new ? T_NEW : T_RETURNED);
}

/* An opening of a customer never seen. */
static int open_balance(Run *run, Step *step)
{
    PyObject *state = step->state, *since = of_fact(step, FACT_SINCE), *last = of_fact(step, FACT_LAST_FACT_AT);
    if (begin_membership(step, zero) < 0)
        return -1;
    put_shared(&state_, state, S_OPENED_AT, of_fact(step, FACT_AT));
    put_shared(&state_, state, S_OPENED_VALUE, of_state(step, S_VALUE));
    put_shared(&state_, state, S_COHORT_AT, since);
    put_shared(&state_, state, S_EARLY_FROM, since);
    if (run->lapse_after >= 0) {
        long long due = (last == Py_None ? step->at : number(last)) + run->lapse_after;
        PyObject *lapse_due = PyLong_FromLongLong(due > step->at ? due : step->at);
        if (lapse_due == NULL)
            return -1;
        put(&state_, state, S_LAPSE_DUE, lapse_due);
    }
    Moved moved = moved_by(step, OPENING, of_state(step, S_SCOPE), one, of_state(step, S_VALUE));
    moved.activity = of_state(step, S_ACTIVITY);
    moved.cohort_at = unless_none(since);
    return emit(run, step, &moved, T_OPENING);
}

/* Keeps the state before what may be a loss. */
static int keep_before_loss(Step *step)
{
    PyObject *before = PyObject_CallMethodNoArgs(step->state, s_copy);
    if (before == NULL)
        return -1;
    PyObject *kept = Py_BuildValue("(nN)", PyList_GET_SIZE(SLOT(customer_, step->customer, C_FACTS)), before);
    if (kept == NULL)
        return -1;
    put(&customer_, step->customer, C_BEFORE_LOSS, kept);
    return 0;
}

/* Whether a `joined` of this silo came shortly before this `left`: then the two are one change, and no loss. */
static int completes_change(Run *run, Step *step)
{
    PyObject *joined = of_state(step, S_JOINED);
    if (joined == Py_None)
        return 0;
    PyObject *fact = SLOT(joined_, joined, JOINED_FACT);
    if (step->at - number(SLOT(fact_, fact, FACT_AT)) > run->grouping ||
        !same_text(SLOT(fact_, fact, FACT_SILO), of_fact(step, FACT_SILO)))
        return 0;
    if (SLOT(joined_, joined, JOINED_TAKEN) != Py_True) {
        Step earlier = *step;
        earlier.fact = fact;
        earlier.cause = NULL;
        int taken = take_fields(run, &earlier);
        Py_XDECREF(earlier.cause);
        if (taken < 0)
            return -1;
        run->tally[ALREADY_ACTIVE]--;
        run->tally[APPLIED]++;
    }
    if (restart_lapse(run, step) < 0)
        return -1;
    put_shared(&state_, step->state, S_JOINED, Py_None);
    return 1;
}

static int lose(Run *run, Step *step)
{
    PyObject *state = step->state, *reason = of_fact(step, FACT_REASON), *kind = of_fact(step, FACT_LOSS_KIND);
    int changed = keep_before_loss(step) < 0 ? -1 : completes_change(run, step);
    if (changed)
        return changed < 0 ? -1 : 0;
    PyObject *early_from = of_state(step, S_EARLY_FROM);
    int early = early_from != Py_None && step->at - number(early_from) <= run->early_within;
    Moved moved = moved_by(step, LOST, of_state(step, S_SCOPE), one, of_state(step, S_VALUE));
    moved.gained_at = of_state(step, S_GAINED_AT);
    moved.gained_scope = of_state(step, S_GAINED_SCOPE);
    moved.gained_activity = of_state(step, S_ACTIVITY);
    end_stay(step, &moved);
    moved.reason = reason == Py_None ? UNKNOWN : reason;
    moved.loss_kind = kind == Py_None ? VOLUNTARY : kind;
    moved.early = early ? Py_True : Py_False;
    moved.cohort_at = unless_none(of_state(step, S_COHORT_AT));
    moved.first_loss = of_state(step, S_EVER_LOST) == Py_True ? Py_False : Py_True;
    if (emit(run, step, &moved, T_LOST) < 0)
        return -1;
    put_shared(&state_, state, S_STATUS, status_lost);
    put_shared(&state_, state, S_EVER_LOST, Py_True);
    put_shared(&state_, state, S_LAPSED, Py_False);
    put_shared(&state_, state, S_LAPSE_DUE, Py_None);
    put_shared(&state_, state, S_JOINED, Py_None);
    put_shared(&state_, state, S_HALF, Py_True);
    PyObject *told[] = { of_fact(step, FACT_AT), of_fact(step, FACT_SILO), zero };
    PyObject *reported = PyObject_Vectorcall((PyObject *)reported_.type, told, 3, NULL);
    if (reported == NULL)
        return -1;
    put(&state_, state, S_REPORTED, reported);
    return 0;
}

static int recommended(Run *run, Step *step)
{
    Moved moved = moved_by(step, RECOMMENDED, of_state(step, S_SCOPE), zero, zero);
    moved.count = of_fact(step, FACT_COUNT);
    moved.previous = unless_none(of_state(step, S_RECOMMENDED));
    if (emit(run, step, &moved, T_RECOMMENDED) < 0)
        return -1;
    PyObject *arguments[] = { of_fact(step, FACT_AT), of_state(step, S_SCOPE) };
    PyObject *now = PyObject_Vectorcall(recommendation_type, arguments, 2, NULL);
    if (now == NULL)
        return -1;
    put(&state_, step->state, S_RECOMMENDED, now);
    return 0;
}

static int joined_while_active(Run *run, Step *step)
{
    PyObject *arguments[] = { step->fact, Py_False };
    PyObject *joined = PyObject_Vectorcall((PyObject *)joined_.type, arguments, 2, NULL);
    if (joined == NULL)
        return -1;
    put(&state_, step->state, S_JOINED, joined);
    return restarts(run, step) ? restart_lapse(run, step) : 0;
}

static int keep_profile(Step *step)
{
    PyObject *scope = admitted_scope(step);
    if (scope == NULL)
        return -1;
    put(&state_, step->state, S_SCOPE, scope);
    return 0;
}

/* Folds the fact; which tally it belongs to, or -1. */
static int fold(Run *run, Step *step, long status)
{
    PyObject *kind = step->kind;
    if (kind == OPENING)
        return open_balance(run, step) < 0 ? -1 : APPLIED;
    if (kind == LEFT) {
        if (status == ACTIVE)
            return lose(run, step) < 0 ? -1 : APPLIED;
        put_shared(&state_, step->state, S_JOINED, Py_None);
        put_shared(&state_, step->state, S_HALF, Py_False);
        return ALREADY_LOST;
    }
    if (kind == JOINED) {
        put_shared(&state_, step->state, S_HALF, Py_False);
        if (status != ACTIVE)
            return gain(run, step, status) < 0 ? -1 : APPLIED;
        return joined_while_active(run, step) < 0 ? -1 : ALREADY_ACTIVE;
    }
    if (kind == RECOMMENDED) {
        if (status == UNKNOWN_STATUS)
            return NOT_A_CUSTOMER;
        if (status == ACTIVE && (take_fields(run, step) < 0 || (restarts(run, step) && restart_lapse(run, step) < 0)))
            return -1;
        return recommended(run, step) < 0 ? -1 : APPLIED;
    }
    if (status != ACTIVE) {
        if (kind == PURCHASED)
            return gain(run, step, status) < 0 ? -1 : APPLIED;
        return keep_profile(step) < 0 ? -1 : NOT_ACTIVE;
    }
    int changed = take_fields(run, step);
    if (changed < 0 || (restarts(run, step) && restart_lapse(run, step) < 0))
        return -1;
    return changed ? APPLIED : NO_CHANGE;
}

/* ---- one fact ---- */

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
    static const struct { PyObject **place; const char *text; } texts[] = {
        { &JOINED, "joined" }, { &PURCHASED, "purchased" }, { &LEFT, "left" }, { &VALUE_CHANGED, "value_changed" },
        { &PROFILE_CHANGED, "profile_changed" }, { &RECOMMENDED, "recommended" }, { &OPENING, "opening" }, { &NEW, "new" },
        { &RETURNED, "returned" }, { &LOST, "lost" }, { &EXPANSION, "expansion" }, { &CONTRACTION, "contraction" },
        { &TRANSFER, "transfer" }, { &UNKNOWN, "unknown" }, { &VOLUNTARY, "voluntary" }, { &s_copy, "__copy__" },
        { &s_slowly, "apply_slowly" }, { &s_wake, "wake" }, { &s_resting, "resting" }, { &s_schedule, "_schedule" }, { &s_watermark, "watermark" },
        { &s_customers, "customers" }, { &s_dirty, "dirty" }, { &s_changes, "changes" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((*texts[i].place = PyUnicode_InternFromString(texts[i].text)) == NULL)
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
