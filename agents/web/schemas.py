"""JSON Schemas of the API's answers: every field with its meaning. Values are minor units of the currency."""

from typing import Any

from streams.tables.windows import WINDOW_NAMES

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def _of(about: str, **properties: Schema) -> Schema:
    """An object; a property that may be absent is marked with `maybe`."""
    required = [name for name, schema in properties.items() if not schema.get("x-maybe-absent")]
    kept = {
        name: {key: value for key, value in schema.items() if key != "x-maybe-absent"}
        for name, schema in properties.items()
    }
    return {"type": "object", "description": about, "required": required, "properties": kept}


def _maybe(schema: Schema) -> Schema:
    return {**schema, "x-maybe-absent": True}


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _instant(about: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": f"{about} (RFC 3339, UTC)"}


def _count(about: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": about}


def _whole(about: str) -> Schema:
    return {"type": "integer", "description": about}


def _number(about: str) -> Schema:
    return {"type": "number", "description": about}


def _flag(about: str) -> Schema:
    return {"type": "boolean", "description": about}


def _ref(name: str, about: str) -> Schema:
    return {**reference(name), "description": about}


def _list(about: str, items: Schema) -> Schema:
    return {"type": "array", "description": about, "items": items}


def _named(about: str, values: Schema) -> Schema:
    return {"type": "object", "description": about, "additionalProperties": values}


def _counts(about: str) -> Schema:
    return _named(about, {"type": "integer", "minimum": 0})


def _amount(about: str) -> Schema:
    return _ref("Amount", about)


_DEFINITIONS = _of("the agreement that was counted by", name=_text("its name"), version=_text("its version"))
_CURRENCY = _text("ISO 4217 code of all values")
_LEVELS = {
    "opening": _amount("customers held when the window began, and those loaded as the base in it"),
    "stayed": _amount("of stayed_of, those who were not lost; the value is that held at the opening"),
    "stayed_of": _amount("the opening, less those who moved to another scope and stayed with us"),
    "new": _amount("first seen as customers in the window"),
    "returned": _amount("lost before, and customers again"),
    "lost": _amount("customers who left, with the value they held"),
    "net": _ref("Net", "new plus returned less lost"),
    "closing": _amount("customers held when the window ended"),
}
_ROW = {
    **_LEVELS,
    "expansion": _count("value gained by customers who stayed"),
    "contraction": _count("value lost by customers who stayed"),
    "transferred_in": _amount("moved here from another segment, region or product; 0 in the total"),
    "transferred_out": _amount("moved from here to another one; 0 in the total"),
    "lost_by_kind": _named("lost, by kind: voluntary, payment, beyond_us, lapsed", reference("Amount")),
    "early_loss": _amount("of lost, those who left soon after they came (`early_within`)"),
    "pending_loss": _amount("held at the end of the window, and announced to leave; not lost yet"),
    "reasons": _list(
        "all reasons given, most customers first",
        _of("a reason", reason=_text("as agreed, or `unknown`"), customers=_count(""), value=_count("")),
    ),
    "reasons_unusable": _amount("of lost, those without a usable reason: the line `unknown` of reasons"),
    "activities": _list(
        "what brought customers here, most customers first",
        _of(
            "an activity", activity=_text("as agreed, or `unknown`"),
            customers=_count("brought here by it, those of a base loaded in the window included"),
            value=_count(""), still_here=_whole("of those, customers still at the end of the window"),
        ),
    ),
    "referrals": _count("recommendations made"),
    "recommenders": _count("customers who recommended us"),
    "earned": _amount("of new, those who came by a recommendation"),
    "earned_growth": _maybe(
        _number("(expansion - contraction - lost + earned) / opening, by value; absent without an opening")
    ),
    "retention": _maybe(_number("stayed / stayed_of, by customers; absent where there is nothing to divide by")),
    "marbles": _of(
        "two bowls, for drawing",
        customers_per_marble=_count("customers that a marble stands for"),
        gained=_count("marbles"), lost=_count("marbles"),
        remainder_gained=_count("customers who fill no marble"),
        remainder_lost=_count("customers who fill no marble"),
    ),
}
_SHARES = {
    "share_of_customers": _maybe(_number("of lost customers; absent when nobody was lost")),
    "share_of_value": _maybe(_number("of lost value; absent when none was lost")),
}
_REASONS = _list(
    "the five foremost",
    _of("a reason", reason=_text(""), customers=_count(""), value=_count(""), **_SHARES),
)

SCHEMAS: dict[str, Schema] = {
    "Amount": _of("customers and their value", customers=_count("whole customers"), value=_count("minor units")),
    "Net": _of("a difference, with a sign", customers=_whole("whole customers"), value=_whole("minor units")),
    "Row": _of("what the tables say of one scope in one window", **_ROW),
    "WindowRow": _of(
        "a row of the total, with the window before it",
        **_ROW,
        final=_flag("nothing inside the horizon can change the window any more"),
        before=_maybe(_ref("Row", "the window before, where there is one")),
    ),
    "Accounting": _of(
        "what became of every record and fact since the beginning",
        records=_count("records read"),
        no_fact=_counts("records that a rule takes as no fact, by rule"),
        unmapped=_count("records that no rule takes"),
        dead_lettered=_counts("records that could not be admitted, by reason"),
        facts=_count("facts that the other records gave"),
        applied=_count("facts that were applied"),
        ignored=_counts("facts that changed nothing, by reason"),
        pending=_count("announced departures that wait for their day"),
        beyond_horizon=_count("facts older than the horizon when they came"),
        movements=_counts("movements derived, by kind"),
        by_clock=_count("of the losses, those that fell due by the clock"),
    ),
    "Ledger": _of(
        "the running tables of every scope and window",
        definitions=_DEFINITIONS, currency=_CURRENCY, until=_instant("the clock of the tables"),
        accounting=reference("Accounting"),
        total=_ref("Row", "the whole company, over all time"),
        segments=_named("by segment, over all time", reference("Row")),
        regions=_named("by region, over all time", reference("Row")),
        products=_named("by product, over all time", reference("Row")),
        windows={
            "type": "object", "description": "the total in each window", "required": list(WINDOW_NAMES),
            "properties": {name: reference("WindowRow") for name in WINDOW_NAMES},
        },
        segment_regions=_named(
            "by segment, then region, over all time", {"type": "object", "additionalProperties": reference("Row")}
        ),
        cohorts=_list(
            "customers by the month in which they joined, oldest first",
            _of(
                "a month", month=_text("YYYY-MM, in the company's time zone"), joined=_count("who joined in it"),
                lost_30d=_count("lost for the first time within 30 days"),
                lost_90d=_count("lost for the first time within 90 days"),
                lost_365d=_count("lost for the first time within 365 days"),
                still_here=_whole("customers now"),
            ),
        ),
    ),
    "ReportCard": _of(
        "the report card of one window: what a meeting about customers opens with",
        definitions=_DEFINITIONS, currency=_CURRENCY,
        at=_instant("where the window ends: the instant asked for, or the clock of the tables"),
        known_until=_instant("the clock of the tables: all that was known by then is in the card"),
        window={"type": "string", "enum": list(WINDOW_NAMES), "description": "the window asked for"},
        final=_flag("nothing inside the horizon can change the window any more"),
        gained=_amount("new and returned"),
        **{name: _ROW[name] for name in (
            "net", "new", "returned", "lost", "stayed", "stayed_of", "opening", "closing", "early_loss",
            "pending_loss", "lost_by_kind", "marbles", "activities", "recommenders", "referrals", "earned",
            "retention", "earned_growth",
        )},
        net_before=_maybe(_ref("Net", "net of the window before, where there is one")),
        reasons_by_volume={**_REASONS, "description": "the five reasons of most customers"},
        reasons_by_value={**_REASONS, "description": "the five reasons of most value"},
        reasons_unusable=_of("lost without a usable reason", customers=_count(""), value=_count(""), **_SHARES),
        segments=_list(
            "every segment, over all time until `at`",
            _of(
                "a segment", segment=_text("its name"), gained=_amount("new and returned"),
                **{name: _ROW[name] for name in ("lost", "net", "closing", "transferred_in", "transferred_out")},
            ),
        ),
        problems=_list(
            "what makes these figures less than the whole truth, if anything does",
            _of(
                "a problem",
                problem={"type": "string", "enum": ["dead_letters", "unmapped", "reasons_unusable"]},
                text=_text("in a sentence"),
                reason=_maybe(_text("of dead letters")), records=_maybe(_count("how many are concerned")),
                customers=_maybe(_count("how many are concerned")),
            ),
        ),
    ),
    "Status": _of(
        "how far the company's tables are, and what this worker does",
        clock={
            "type": ["string", "null"], "format": "date-time",
            "description": "the clock of the tables (RFC 3339, UTC); null before the first record",
        },
        complete=_flag("this worker has read back the tables of the company"),
        owned=_list("partitions of the worker that answers", {"type": "integer"}),
        applied=_named(
            "next offset of each owned partition in this worker's own state", {"type": ["integer", "null"]}
        ),
        partitions=_named(
            "by number, as their owners last told",
            _of(
                "a partition", next_offset=_count("the first record that is not in the tables"),
                watermark={
                    "type": ["string", "null"], "format": "date-time",
                    "description": "largest event time counted; null before the first",
                },
                idle=_flag("read to its end, with nothing new"),
                fresh=_flag("the newest record was young when it was appended"),
            ),
        ),
        accounting=reference("Accounting"),
    ),
    "Live": _of("whether the event loop turns", live=_flag("this answer is given by it")),
    "Ready": _of(
        "whether this worker has its state and the company's tables",
        ready=_flag("nothing is waited for"), waits_for=_list("what is waited for", {"type": "string"}),
    ),
    "Error": _of(
        "why there is no answer",
        error=_text("what was wrong, and what there is instead"),
        paths=_maybe(_list("of an unknown path: the paths there are", {"type": "string"})),
        parameters=_maybe(_list("of an unknown parameter: those that the path takes", {"type": "string"})),
    ),
}
"""Name to the schema of an answer or of a part of one."""
