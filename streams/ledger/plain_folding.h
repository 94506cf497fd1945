/* One fact folded onto the state of its customer: the rows of the table (transitions.py, losses.py). */
#ifndef NETGROWTH_PLAIN_FOLDING_H
#define NETGROWTH_PLAIN_FOLDING_H

#include "plain_telling.h"

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

#endif
