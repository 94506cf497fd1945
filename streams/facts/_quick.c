/* Admission of records in the native format, compiled: sound records of the frequent kinds become facts at once.
 *
 * What it does is defined by `Admission.admit` and `NativeFacts.fact_of`, and by the tests that put every record through
 * both. It reads one flat JSON object of known fields, strictly, and takes nothing it is not certain of: an escape, a
 * field that is rare or unknown or stands twice, a value out of its range, a label that was refused. Such records go to
 * `Admission.admit_slowly`, in their place, which knows every fault by name.
 */
#include "../struct_slots.h"

#include <stdint.h>
#include <string.h>

enum { FACT_REASON, FACT_ACTIVITY, FACT_SEGMENT, FACT_REGION, FACT_PRODUCT, FACT_LOSS_KIND, FACT_COUNT, FACT_SINCE,
       FACT_LAST_FACT_AT, FACT_SLOTS };
static const char *const FACT_NAMES[] = {
    "reason", "activity", "segment", "region", "product", "loss_kind", "count", "since", "last_fact_at" };
#define OPEN_LISTS 5  /* the first fields: words of lists that the definitions may leave open */
enum { RECORD_VALUE, RECORD_KEY, RECORD_PARTITION, RECORD_SLOTS };
static const char *const RECORD_NAMES[] = { "value", "key", "partition" };

static Slots fact_, record_;
static PyObject *zero, *s_slowly, *s_label, *s_activity, *s_reason, *s_facts, *s_fact_records;

enum { JOINED, PURCHASED, LEFT, VALUE_CHANGED, PROFILE_CHANGED, RECOMMENDED, STAYING, OPENING, KINDS };
static const char *const KIND_NAMES[] = {
    "joined", "purchased", "left", "value_changed", "profile_changed", "recommended", "staying", "opening" };
static PyObject *kinds[KINDS];

enum { F_FACT, F_AT, F_EVENT_ID, F_CUSTOMER_ID, F_SILO, F_VALUE, F_SEQUENCE, F_SEGMENT, F_REGION, F_PRODUCT,
       F_ACTIVITY, F_BY_RECOMMENDATION, F_REASON, F_KIND, F_COUNT, F_SINCE, F_LAST_FACT_AT, FIELDS };
static const char *const FIELD_NAMES[] = {
    "fact", "at", "event_id", "customer_id", "silo", "value", "sequence", "segment", "region", "product",
    "activity", "by_recommendation", "reason", "kind", "count", "since", "last_fact_at" };
static unsigned char field_lengths[FIELDS];

#define MAX_TEXT 256
#define MAX_COUNT 1000000000LL
#define ABSURD 1000000000000000LL
#define LATEST_US 253402300800000000LL

typedef enum { ABSENT, TEXT, NUMBER, TRUTH } Form;

typedef struct {
    Form form;
    const char *text;   /* of a TEXT: its bytes, without quotation marks */
    Py_ssize_t length;
    int ascii;
    long long number;   /* of a NUMBER, and of a TRUTH 0 or 1 */
} Value;

/* ---- texts that come again and again ---- */

#define PLACES 2048
#define LONGEST_KEPT 48

/* What labels of one definitions file stand for; of those whose place in the table is taken by another, the newest. */
typedef struct {
    uint32_t hash;
    uint8_t length, role;
    char text[LONGEST_KEPT];
    PyObject *first, *second;
} Kept;

enum { LABEL = 1, ACTIVITY, REASON, REASON_VOLUNTARY, REASON_PAYMENT };

typedef struct {
    PyObject_HEAD
    PyObject *labels, *default_silo;
    Kept *kept;
} Reader;

static uint32_t hash_of(const char *text, Py_ssize_t length, uint32_t role)
{
    uint32_t hash = 2166136261u ^ role;  /* FNV-1a */
    for (Py_ssize_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* What Labels says of a text: new references in `first` and `second`. -1 where it refuses; no exception then. */
static int ask_labels(Reader *reader, const Value *value, int role, const char *name, PyObject **first,
                      PyObject **second)
{
    PyObject *text = PyUnicode_DecodeUTF8(value->text, value->length, NULL), *answer = NULL;
    *first = *second = NULL;
    if (text != NULL && role == LABEL) {
        PyObject *called = PyUnicode_FromString(name);
        if (called != NULL)
            answer = PyObject_CallMethodObjArgs(reader->labels, s_label, text, called, NULL);
        Py_XDECREF(called);
        *first = answer;
        *second = Py_NewRef(Py_None);
    } else if (text != NULL) {
        if (role == ACTIVITY) {
            answer = PyObject_CallMethodObjArgs(reader->labels, s_activity, text, NULL);
        } else {
            PyObject *stated = role == REASON ? Py_NewRef(Py_None)
                                              : PyUnicode_InternFromString(role == REASON_PAYMENT ? "payment" : "voluntary");
            if (stated != NULL)
                answer = PyObject_CallMethodObjArgs(reader->labels, s_reason, text, stated, NULL);
            Py_XDECREF(stated);
        }
        if (answer != NULL && PyTuple_Check(answer) && PyTuple_GET_SIZE(answer) == 2) {
            *first = Py_NewRef(PyTuple_GET_ITEM(answer, 0));
            *second = Py_NewRef(PyTuple_GET_ITEM(answer, 1));
        }
        Py_XDECREF(answer);
    }
    Py_XDECREF(text);
    if (*first != NULL)
        return 0;
    Py_CLEAR(*second);
    PyErr_Clear();  /* the slow way meets the same fault, and names it */
    return -1;
}

/* Borrowed references to what a text stands for in its role; silence is None. -1: it is refused. */
static int look_up(Reader *reader, const Value *value, int role, const char *name, PyObject **first, PyObject **second,
                   PyObject **owned)
{
    if (value->form != ABSENT && value->form != TEXT)
        return -1;
    if (value->form == ABSENT || (value->length == 0 && role <= ACTIVITY)) {
        *first = Py_None;
        *second = role == ACTIVITY ? Py_False : Py_None;
        return 0;
    }
    if (value->length > LONGEST_KEPT) {
        if (ask_labels(reader, value, role, name, first, second) < 0)
            return -1;
        PyObject *both = PyTuple_Pack(2, *first, *second);
        Py_DECREF(*first);
        Py_DECREF(*second);
        if (both == NULL || PyList_Append(*owned, both) < 0) {
            Py_XDECREF(both);
            PyErr_Clear();
            return -1;
        }
        Py_DECREF(both);
        return 0;
    }
    uint32_t hash = hash_of(value->text, value->length, (uint32_t)role);
    Kept *kept = &reader->kept[hash % PLACES];
    if (kept->first == NULL || kept->hash != hash || kept->role != role || kept->length != value->length ||
        memcmp(kept->text, value->text, (size_t)value->length) != 0) {
        PyObject *new_first, *new_second;
        if (ask_labels(reader, value, role, name, &new_first, &new_second) < 0)
            return -1;
        /* Another field of this record may have borrowed what was here. */
        if (kept->first != NULL) {
            PyObject *both = PyTuple_Pack(2, kept->first, kept->second);
            if (both == NULL || PyList_Append(*owned, both) < 0)
                PyErr_Clear();
            Py_XDECREF(both);
            Py_DECREF(kept->first);
            Py_DECREF(kept->second);
        }
        kept->first = new_first;
        kept->second = new_second;
        kept->hash = hash;
        kept->role = (uint8_t)role;
        kept->length = (uint8_t)value->length;
        memcpy(kept->text, value->text, (size_t)value->length);
    }
    *first = kept->first;
    *second = kept->second;
    return 0;
}

/* ---- JSON, as much of it as a native record needs ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* A string without escapes from after its first quotation mark; where it goes on, or NULL. */
static const char *read_text(const char *p, const char *end, Value *value)
{
    unsigned char seen = 0;
    value->form = TEXT;
    value->text = p;
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"') {
            value->length = p - value->text;
            value->ascii = seen < 0x80;
            return p + 1;
        }
        if (c < 0x20 || c == '\\')
            return NULL;
        seen |= c;
        if (c == 0x7f)
            seen |= 0x80;  /* no printable character: as uncertain as those beyond ASCII */
    }
    return NULL;
}

static const char *read_number(const char *p, const char *end, Value *value)
{
    int negative = p < end && *p == '-';
    const char *first = p += negative;
    long long number = 0;
    for (; p < end && *p >= '0' && *p <= '9' && p - first < 18; p++)
        number = number * 10 + (*p - '0');
    if (p == first || (*first == '0' && p - first > 1) || p >= end ||
        (*p != ',' && *p != '}' && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t'))
        return NULL;
    value->form = NUMBER;
    value->number = negative ? -number : number;
    return p;
}

static const char *read_value(const char *p, const char *end, Value *value)
{
    if (p >= end)
        return NULL;
    if (*p == '"')
        return read_text(p + 1, end, value);
    if (end - p >= 5 && memcmp(p, "null", 4) == 0) {
        value->form = ABSENT;
        return p + 4;
    }
    if (end - p >= 5 && memcmp(p, "true", 4) == 0) {
        value->form = TRUTH;
        value->number = 1;
        return p + 4;
    }
    if (end - p >= 6 && memcmp(p, "false", 5) == 0) {
        value->form = TRUTH;
        value->number = 0;
        return p + 5;
    }
    return read_number(p, end, value);
}

static int field_of(const Value *name)
{
    for (int i = 0; i < FIELDS; i++)
        if (name->length == field_lengths[i] && memcmp(name->text, FIELD_NAMES[i], (size_t)name->length) == 0)
            return i;
    return -1;
}

/* The fields of a record; 0 where it is not beyond doubt. */
static int read_record(const char *p, Py_ssize_t length, Value *fields)
{
    const char *end = p + length;
    unsigned stated = 0;
    p = skip_blanks(p, end);
    if (p >= end || *p++ != '{')
        return 0;
    for (;;) {
        Value name;
        p = skip_blanks(p, end);
        if (p >= end || *p != '"' || (p = read_text(p + 1, end, &name)) == NULL)
            return 0;
        int field = field_of(&name);
        if (field < 0 || stated & 1u << field)
            return 0;
        stated |= 1u << field;
        p = skip_blanks(p, end);
        if (p >= end || *p++ != ':' || (p = read_value(skip_blanks(p, end), end, &fields[field])) == NULL)
            return 0;
        p = skip_blanks(p, end);
        if (p >= end)
            return 0;
        if (*p == '}')
            return skip_blanks(p + 1, end) == end;
        if (*p++ != ',')
            return 0;
    }
}

/* ---- instants ---- */

static int digits(const char *p, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        number = number * 10 + (p[i] - '0');
    }
    return number;
}

/* Days since 1970 of a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil). */
static long long days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (long long)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Microseconds of `YYYY-MM-DDThh:mm:ss[.f]` with Z or an offset; -1 for whatever else. */
static long long instant_of(const Value *value)
{
    static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const char *p = value->text, *end = p + value->length;
    if (value->length < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':')
        return -1;
    int year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2), hour = digits(p + 11, 2);
    int minute = digits(p + 14, 2), second = digits(p + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 59)
        return -1;
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > month_days[month - 1] + leap)
        return -1;
    long long fraction = 0, offset = 0;
    p += 19;
    if (*p == '.') {
        int count = 0;
        for (p++; p < end && *p >= '0' && *p <= '9'; p++, count++)
            fraction = fraction * 10 + (*p - '0');
        if (count < 1 || count > 6)
            return -1;
        for (; count < 6; count++)
            fraction *= 10;
    }
    if (end - p == 1 && *p == 'Z')
        p++;
    else if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
        int hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return -1;
        offset = (*p == '+' ? 1 : -1) * (hours * 60LL + minutes) * 60;
    } else {
        return -1;
    }
    return ((days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) - offset) * 1000000 + fraction;
}

/* Microseconds of an RFC 3339 text or of milliseconds; -1 for what is neither, or lies before 1970. */
static long long micros_of(const Value *value)
{
    if (value->form == TEXT)
        return instant_of(value);
    return value->form == NUMBER && value->number < ABSURD ? value->number * 1000 : -1;
}

/* ---- keys ---- */

/* murmur2 as org.apache.kafka.common.utils.Utils.murmur2 computes it. */
static uint32_t murmur2(const unsigned char *data, Py_ssize_t length)
{
    const uint32_t m = 0x5bd1e995u;
    uint32_t hash = 0x9747b28cu ^ (uint32_t)length;
    for (; length >= 4; data += 4, length -= 4) {
        uint32_t k = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        k *= m;
        k ^= k >> 24;
        hash = (hash * m) ^ (k * m);
    }
    switch (length) {
    case 3: hash ^= (uint32_t)data[2] << 16; /* fall through */
    case 2: hash ^= (uint32_t)data[1] << 8; /* fall through */
    case 1: hash = (hash ^ data[0]) * m;
    }
    hash = (hash ^ hash >> 13) * m;
    return hash ^ hash >> 15;
}

static int is_id(const Value *value)
{
    return value->form == TEXT && value->ascii && value->length > 0 && value->length <= MAX_TEXT;
}

static PyObject *ascii_text(const Value *value)
{
    PyObject *text = PyUnicode_New(value->length, 127);
    if (text != NULL)
        memcpy(PyUnicode_1BYTE_DATA(text), value->text, (size_t)value->length);
    return text;
}

static int kind_of(const Value *value)
{
    if (value->form != TEXT)
        return -1;
    for (int i = 0; i < KINDS; i++)
        if (strlen(KIND_NAMES[i]) == (size_t)value->length && memcmp(value->text, KIND_NAMES[i], (size_t)value->length) == 0)
            return i;
    return -1;
}

static inline int within(const Value *value, long long least, long long most)
{
    return value->form == ABSENT || (value->form == NUMBER && value->number >= least && value->number <= most);
}

static PyObject *number_or_none(const Value *value)
{
    return value->form == ABSENT ? Py_NewRef(Py_None) : PyLong_FromLongLong(value->number);
}

/* ---- one record ---- */

typedef struct {
    long long latest;
    Py_ssize_t max_bytes;
    uint32_t partitions;  /* 0: places are not checked */
    int check_keys;
} Rules;

/* Whether the key is the customer's and lies where the customer belongs. */
static int is_in_its_place(PyObject *record, const Value *customer_id, const Rules *rules)
{
    if (rules->check_keys) {
        PyObject *key = SLOT(record_, record, RECORD_KEY);
        if (!PyBytes_CheckExact(key) || PyBytes_GET_SIZE(key) != customer_id->length ||
            memcmp(PyBytes_AS_STRING(key), customer_id->text, (size_t)customer_id->length) != 0)
            return 0;
    }
    if (rules->partitions == 0)
        return 1;
    uint32_t belongs = murmur2((const unsigned char *)customer_id->text, customer_id->length) & 0x7fffffffu;
    return (long)(belongs % rules->partitions) == PyLong_AsLong(SLOT(record_, record, RECORD_PARTITION));
}

/* The fact of a record; NULL without an exception where it is for the slow way. */
static PyObject *fact_of(Reader *reader, PyObject *record, const Rules *rules, PyObject **owned)
{
    PyObject *bytes = SLOT(record_, record, RECORD_VALUE);
    Value f[FIELDS];
    if (!PyBytes_CheckExact(bytes) || PyBytes_GET_SIZE(bytes) > rules->max_bytes)
        return NULL;
    memset(f, 0, sizeof f);
    if (!read_record(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), f))
        return NULL;
    int kind = kind_of(&f[F_FACT]), is_left = kind == LEFT;
    if (kind < 0 || !is_id(&f[F_EVENT_ID]) || !is_id(&f[F_CUSTOMER_ID]))
        return NULL;
    long long at = micros_of(&f[F_AT]), since = micros_of(&f[F_SINCE]), last_fact_at = micros_of(&f[F_LAST_FACT_AT]);
    if (at < 0 || at > rules->latest || (f[F_SINCE].form != ABSENT && (since < 0 || since >= LATEST_US)) ||
        (f[F_LAST_FACT_AT].form != ABSENT && (last_fact_at < 0 || last_fact_at >= LATEST_US)))
        return NULL;
    const Value *stated = &f[F_KIND], *recommended = &f[F_BY_RECOMMENDATION];
    if (!within(&f[F_VALUE], 0, ABSURD) || !within(&f[F_COUNT], 1, MAX_COUNT) || f[F_SEQUENCE].form == TEXT ||
        f[F_SEQUENCE].form == TRUTH || (recommended->form != ABSENT && recommended->form != TRUTH) ||
        (f[F_REASON].form != ABSENT && (f[F_REASON].form != TEXT || !(is_left || f[F_REASON].ascii))))
        return NULL;
    int reason_role = REASON;
    if (stated->form != ABSENT) {
        if (stated->form == TEXT && stated->length == 9 && memcmp(stated->text, "voluntary", 9) == 0)
            reason_role = REASON_VOLUNTARY;
        else if (stated->form == TEXT && stated->length == 7 && memcmp(stated->text, "payment", 7) == 0)
            reason_role = REASON_PAYMENT;
        else
            return NULL;
    }
    if (!is_in_its_place(record, &f[F_CUSTOMER_ID], rules))
        return NULL;
    PyObject *silo, *segment, *region, *product, *activity, *earned, *reason = Py_None, *loss_kind = Py_None, *unused;
    if (look_up(reader, &f[F_SILO], LABEL, "silo", &silo, &unused, owned) < 0 ||
        look_up(reader, &f[F_SEGMENT], LABEL, "segment", &segment, &unused, owned) < 0 ||
        look_up(reader, &f[F_REGION], LABEL, "region", &region, &unused, owned) < 0 ||
        look_up(reader, &f[F_PRODUCT], LABEL, "product", &product, &unused, owned) < 0 ||
        look_up(reader, &f[F_ACTIVITY], ACTIVITY, "activity", &activity, &earned, owned) < 0)
        return NULL;
    if (is_left && f[F_REASON].form == TEXT && f[F_REASON].length > 0) {
        if (look_up(reader, &f[F_REASON], reason_role, "reason", &reason, &loss_kind, owned) < 0)
            return NULL;
    } else if (is_left && stated->form == TEXT) {
        Value silent = { .form = TEXT, .text = "", .length = 0 };
        if (look_up(reader, &silent, reason_role, "reason", &reason, &loss_kind, owned) < 0)
            return NULL;
    }
    if (recommended->form == TRUTH && recommended->number)
        earned = Py_True;
    PyObject *made[5] = { PyLong_FromLongLong(at), ascii_text(&f[F_CUSTOMER_ID]), ascii_text(&f[F_EVENT_ID]),
                          f[F_SEQUENCE].form == ABSENT ? Py_NewRef(zero) : PyLong_FromLongLong(f[F_SEQUENCE].number),
                          number_or_none(&f[F_VALUE]) };
    PyObject *fact = NULL;
    if (made[0] != NULL && made[1] != NULL && made[2] != NULL && made[3] != NULL && made[4] != NULL) {
        PyObject *arguments[] = {
            kinds[kind], made[0], made[1], silo == Py_None ? reader->default_silo : silo, made[2], made[3], zero,
            made[4], Py_None, segment, region, product, activity, earned };
        fact = PyObject_Vectorcall((PyObject *)fact_.type, arguments, 14, NULL);
    }
    for (int i = 0; i < 5; i++)
        Py_XDECREF(made[i]);
    if (fact == NULL)
        return NULL;
    if (is_left) {
        put_shared(&fact_, fact, FACT_REASON, reason);
        put_shared(&fact_, fact, FACT_LOSS_KIND, loss_kind);
    } else if (kind == OPENING) {
        for (int i = 0; i < 2; i++) {
            if (f[F_SINCE + i].form == ABSENT)
                continue;
            PyObject *instant = PyLong_FromLongLong(i == 0 ? since : last_fact_at);
            if (instant == NULL) {
                Py_DECREF(fact);
                return NULL;
            }
            put(&fact_, fact, FACT_SINCE + i, instant);
        }
    } else if (kind == RECOMMENDED && f[F_COUNT].form == NUMBER) {
        PyObject *count = PyLong_FromLongLong(f[F_COUNT].number);
        if (count == NULL) {
            Py_DECREF(fact);
            return NULL;
        }
        put(&fact_, fact, FACT_COUNT, count);
    }
    return fact;
}

/* ---- what Python sees ---- */

PyDoc_STRVAR(admit_doc,
"admit(admission, batch, records, latest, partitions, check_keys, max_bytes) -> int\n\n"
"Append the facts of RawRecords to an AdmittedBatch, in their order; what is not beyond doubt goes to\n"
"`admission.admit_slowly(record, place, latest, batch)`. `latest`: microseconds; `partitions`: 0 for no check.\n"
"Returns how many records gave a fact here.");

static PyObject *Reader_admit(Reader *reader, PyObject *arguments)
{
    PyObject *admission, *batch, *records, *latest_object;
    Rules rules;
    unsigned int partitions;
    if (!PyArg_ParseTuple(arguments, "OOO!OIpn", &admission, &batch, &PyList_Type, &records, &latest_object,
                          &partitions, &rules.check_keys, &rules.max_bytes))
        return NULL;
    rules.partitions = partitions;
    rules.latest = PyLong_AsLongLong(latest_object);
    if (rules.latest == -1 && PyErr_Occurred())
        return NULL;
    long long quickly = 0;
    PyObject *facts = PyObject_GetAttr(batch, s_facts), *places = PyObject_GetAttr(batch, s_fact_records);
    PyObject *owned = PyList_New(0), *result = NULL;
    if (facts == NULL || places == NULL || owned == NULL || !PyList_CheckExact(facts) || !PyList_CheckExact(places))
        goto end;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(records); i++) {
        PyObject *record = PyList_GET_ITEM(records, i);
        if (!Py_IS_TYPE(record, record_.type)) {
            PyErr_Format(PyExc_TypeError, "%R is no RawRecord", record);
            goto end;
        }
        PyObject *fact = fact_of(reader, record, &rules, &owned), *place = PyLong_FromSsize_t(i);
        int failed = place == NULL || PyErr_Occurred() != NULL;
        if (!failed && fact != NULL) {
            failed = PyList_Append(facts, fact) < 0 || PyList_Append(places, place) < 0;
            quickly++;
        } else if (!failed) {
            PyObject *done = PyObject_CallMethodObjArgs(admission, s_slowly, record, place, latest_object, batch, NULL);
            failed = done == NULL;
            Py_XDECREF(done);
        }
        Py_XDECREF(fact);
        Py_XDECREF(place);
        if (failed)
            goto end;
        if (PyList_GET_SIZE(owned) > 0 && PyList_SetSlice(owned, 0, PyList_GET_SIZE(owned), NULL) < 0)
            goto end;
    }
    result = PyLong_FromLongLong(quickly);
end:
    Py_XDECREF(facts);
    Py_XDECREF(places);
    Py_XDECREF(owned);
    if (result == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "facts and fact_records of the batch are to be lists");
    return result;
}

static PyObject *Reader_new(PyTypeObject *type, PyObject *arguments, PyObject *named)
{
    PyObject *labels, *default_silo;
    if (fact_.type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare() was not called");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "OU", &labels, &default_silo))
        return NULL;
    Reader *reader = (Reader *)type->tp_alloc(type, 0);
    if (reader == NULL)
        return NULL;
    reader->labels = Py_NewRef(labels);
    reader->default_silo = Py_NewRef(default_silo);
    reader->kept = PyMem_Calloc(PLACES, sizeof(Kept));
    if (reader->kept == NULL) {
        Py_DECREF(reader);
        return PyErr_NoMemory();
    }
    return (PyObject *)reader;
}

static void Reader_dealloc(Reader *reader)
{
    if (reader->kept != NULL)
        for (int i = 0; i < PLACES; i++) {
            Py_XDECREF(reader->kept[i].first);
            Py_XDECREF(reader->kept[i].second);
        }
    PyMem_Free(reader->kept);
    Py_XDECREF(reader->labels);
    Py_XDECREF(reader->default_silo);
    Py_TYPE(reader)->tp_free((PyObject *)reader);
}

static PyMethodDef reader_methods[] = {
    { "admit", (PyCFunction)Reader_admit, METH_VARARGS, admit_doc },
    { NULL, NULL, 0, NULL },
};

static PyTypeObject ReaderType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "streams.facts._quick.Reader",
    .tp_doc = PyDoc_STR("Reader(labels, default_silo): reads records under one definitions file."),
    .tp_basicsize = sizeof(Reader),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = Reader_new,
    .tp_dealloc = (destructor)Reader_dealloc,
    .tp_methods = reader_methods,
};

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    PyObject *fact, *record;
    if (!PyArg_ParseTuple(arguments, "OO", &fact, &record) ||
        slots_of(&record_, record, RECORD_NAMES, RECORD_SLOTS) < 0 || slots_of(&fact_, fact, FACT_NAMES, FACT_SLOTS) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *partition_of(PyObject *module, PyObject *arguments)
{
    const char *key;
    Py_ssize_t length;
    unsigned int partitions;
    if (!PyArg_ParseTuple(arguments, "y#I", &key, &length, &partitions))
        return NULL;
    if (partitions == 0) {
        PyErr_SetString(PyExc_ZeroDivisionError, "a topic has one partition at least");
        return NULL;
    }
    return PyLong_FromUnsignedLong((murmur2((const unsigned char *)key, length) & 0x7fffffffu) % partitions);
}

/* Whether all words of a fact are in the sets of their labels; -1 with an exception. `last`: words found so before. */
static int has_known_words(PyObject *fact, PyObject *const *known, PyObject **last)
{
    for (int i = 0; i < OPEN_LISTS; i++) {
        PyObject *word = SLOT(fact_, fact, FACT_REASON + i);
        if (word == Py_None || word == last[i])
            continue;
        int is_known = PySet_Contains(known[i], word);
        if (is_known <= 0)
            return is_known;
        last[i] = word;
    }
    return 1;
}

static PyObject *count_with_known_words(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *last[OPEN_LISTS] = { NULL };
    int is_sound = count == 1 + OPEN_LISTS && PyList_CheckExact(arguments[0]);
    for (int i = 1; is_sound && i < count; i++)
        is_sound = PySet_CheckExact(arguments[i]);
    if (!is_sound) {
        PyErr_SetString(PyExc_TypeError, "count_with_known_words takes a list of facts and five sets of words");
        return NULL;
    }
    Py_ssize_t place = 0;
    for (; place < PyList_GET_SIZE(arguments[0]); place++) {
        PyObject *fact = PyList_GET_ITEM(arguments[0], place);
        if (!Py_IS_TYPE(fact, fact_.type)) {
            PyErr_Format(PyExc_TypeError, "%R is no fact", fact);
            return NULL;
        }
        int is_known = has_known_words(fact, arguments + 1, last);
        if (is_known < 0)
            return NULL;
        if (!is_known)
            break;
    }
    return PyLong_FromSsize_t(place);
}

static PyMethodDef methods[] = {
    { "count_with_known_words", (PyCFunction)(void (*)(void))count_with_known_words, METH_FASTCALL,
      PyDoc_STR("count_with_known_words(facts, reasons, activities, segments, regions, products) -> int\n\n"
                "How many facts stand before the first one with a word that is not in the set of its label.") },
    { "partition_of", partition_of, METH_VARARGS,
      PyDoc_STR("partition_of(key, partitions) -> int: where Java's default partitioner puts a record with this key.") },
    { "prepare", prepare, METH_VARARGS,
      PyDoc_STR("prepare(fact, record): take over the types. Raises TypeError where a field is no plain slot.") },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_quick", "Admission of native records, compiled.", -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit__quick(void)
{
    static const Word words[] = {
        { &s_slowly, "admit_slowly" }, { &s_label, "label" }, { &s_activity, "activity" }, { &s_reason, "reason" },
        { &s_facts, "facts" }, { &s_fact_records, "fact_records" },
    };
    if (intern_words(words, sizeof words / sizeof *words) < 0)
        return NULL;
    for (int i = 0; i < KINDS; i++)
        if ((kinds[i] = PyUnicode_InternFromString(KIND_NAMES[i])) == NULL)
            return NULL;
    for (int i = 0; i < FIELDS; i++)
        field_lengths[i] = (unsigned char)strlen(FIELD_NAMES[i]);
    zero = PyLong_FromLong(0);
    PyObject *module = PyType_Ready(&ReaderType) < 0 ? NULL : PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0 ||
        PyModule_AddObjectRef(module, "Reader", (PyObject *)&ReaderType) < 0)
        return NULL;
    return module;
}
