/* A movement while it is passed on between compiled pieces: what `Movement` holds, before or without that object.
 *
 * All references are borrowed. A field that does not apply is NULL or as by default.
 */
#ifndef NETGROWTH_MOVED_H
#define NETGROWTH_MOVED_H

#include "buffer.h"
#include "struct_slots.h"

enum { TOTAL_FROM, SEGMENT_FROM, REGION_FROM, PRODUCT_FROM, OPENED_AT, OPENED_VALUE, STAY_STEPS, STAY_SLOTS };

typedef struct {
    PyObject *customer_id, *kind, *at, *scope, *customers, *value;
    PyObject *silo, *event_id, *place;  /* the cause; NULL: the clock */
    PyObject *activity, *earned, *implied, *reason, *loss_kind, *early, *to, *count;
    PyObject *gained_at, *gained_scope, *gained_activity;  /* the membership that ends; NULL: none does */
    PyObject *stay[STAY_SLOTS];  /* the stay that ends; NULL: none does */
    PyObject *previous, *cohort_at, *first_loss;
} Moved;

/* Where the movements of one batch are booked. */
typedef struct {
    PyObject *booking, *cells, *dirty;
    long long minutes_from;
    PyObject *bucket, *segment;  /* of the last movement; the segment is held, lest another one take its place */
    long long minute;
} BookingRun;

#define BOOKING_CAPSULE "streams.tables._cells.API"

typedef struct {
    /* Begins a batch; -1 with an exception. `cells`, `dirty` and at the end `segment` are
     * to be released. */
    int (*begin)(BookingRun *run, PyObject *booking, long long minutes_from);
    /* Books a movement; 1: it is for Python, -1 with an exception. */
    int (*book)(BookingRun *run, const Moved *moved, long sign);
} BookingCalls;

#define LINES_CAPSULE "streams.ledger._lines.API"

typedef struct {
    /* Writes a movement behind the others, and a comma between; 1: it is for Python, -1 with an exception. */
    int (*write)(Buffer *lines, const Moved *moved, long sign);
} LinesCalls;

#endif
