/* Movements of plain facts told: to the tables and the lines of the next flush at once, else as Change objects. */
#ifndef NETGROWTH_PLAIN_TELLING_H
#define NETGROWTH_PLAIN_TELLING_H

#include "plain_run.h"

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

#endif
