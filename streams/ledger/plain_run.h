/* What the parts of the compiled plain step (_plain.c) share: the types of the ledger, one batch, one fact. */
#ifndef NETGROWTH_PLAIN_RUN_H
#define NETGROWTH_PLAIN_RUN_H

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
    Buffer lines;
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


/* (silo, event id, place): the cause of movements, and the key under which ids are looked up. */
static PyObject *cause_of(Step *step)
{
    if (step->cause == NULL)
        step->cause = PyTuple_Pack(3, of_fact(step, FACT_SILO), of_fact(step, FACT_ID), of_fact(step, FACT_PLACE));
    return step->cause;
}

#endif
