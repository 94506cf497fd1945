"""JSON Schemas of the API's answers: every field with its meaning. Values are minor units of the currency."""


from agents.web.board_schemas import BOARD_SCHEMAS
from agents.web.customer_schemas import CUSTOMER_SCHEMAS
from agents.web.health_schemas import HEALTH_SCHEMAS
from agents.web.schema_words import (
    Schema,
    amount,
    count,
    counts,
    flag,
    instant,
    list_of,
    maybe,
    named,
    number,
    record,
    ref,
    reference,
    text,
    whole,
)
from agents.web.surge_schemas import SURGE_SCHEMAS
from agents.web.voice_schemas import VOICE_SCHEMAS
from streams.tables.windows import WINDOW_NAMES

_DEFINITIONS = record("the agreement that was counted by", name=text("its name"), version=text("its version"))
_CURRENCY = text("ISO 4217 code of all values")
_LEVELS = {
    "opening": amount("customers held when the window began, and those loaded as the base in it"),
    "stayed": amount("of stayed_of, those who were not lost; the value is that held at the opening"),
    "stayed_of": amount("the opening, less those who moved to another scope and stayed with us"),
    "new": amount("first seen as customers in the window"),
    "returned": amount("lost before, and customers again"),
    "lost": amount("customers who left, with the value they held"),
    "net": ref("Net", "new plus returned less lost"),
    "closing": amount("customers held when the window ended"),
}
_COUNTS_FROM = maybe(text("where the count begins, if that is inside the span (RFC 3339)"))

_ROW = {
    **_LEVELS,
    "counts_from": _COUNTS_FROM,
    "expansion": count("value gained by customers who stayed"),
    "contraction": count("value lost by customers who stayed"),
    "transferred_in": amount("moved here from another segment, region or product; 0 in the total"),
    "transferred_out": amount("moved from here to another one; 0 in the total"),
    "lost_by_kind": named("lost, by kind: voluntary, payment, beyond_us, lapsed", reference("Amount")),
    "early_loss": amount("of lost, those who left soon after they came (`early_within`)"),
    "pending_loss": amount("held at the end of the window, and announced to leave; not lost yet"),
    "reasons": list_of(
        "all reasons given, most customers first",
        record("a reason", reason=text("as agreed, or `unknown`"), customers=count(""), value=count("")),
    ),
    "reasons_unusable": amount("of lost, those without a usable reason: the line `unknown` of reasons"),
    "activities": list_of(
        "what brought customers here, most customers first",
        record(
            "an activity", activity=text("as agreed, or `unknown`"),
            customers=count("brought here by it, those of a base loaded in the window included"),
            value=count(""), still_here=whole("of those, customers still at the end of the window"),
        ),
    ),
    "referrals": count("recommendations made"),
    "recommenders": count("customers who recommended us"),
    "earned": amount("of new, those who came by a recommendation"),
    "earned_growth": maybe(
        number("(expansion - contraction - lost + earned) / opening, by value; absent without an opening")
    ),
    "retention": maybe(number("stayed / stayed_of, by customers; absent where there is nothing to divide by")),
    "marbles": record(
        "two bowls, for drawing",
        customers_per_marble=count("customers that a marble stands for"),
        gained=count("marbles"), lost=count("marbles"),
        remainder_gained=count("customers who fill no marble"),
        remainder_lost=count("customers who fill no marble"),
    ),
}
_SHARES = {
    "share_of_customers": maybe(number("of lost customers; absent when nobody was lost")),
    "share_of_value": maybe(number("of lost value; absent when none was lost")),
}
_REASONS = list_of(
    "the five foremost",
    record("a reason", reason=text(""), customers=count(""), value=count(""), **_SHARES),
)

SCHEMAS: dict[str, Schema] = {
    **VOICE_SCHEMAS,
    **SURGE_SCHEMAS,
    "Amount": record("customers and their value", customers=count("whole customers"), value=count("minor units")),
    "Net": record("a difference, with a sign", customers=whole("whole customers"), value=whole("minor units")),
    "Row": record("what the tables say of one scope in one window", **_ROW),
    "WindowRow": record(
        "a row of the total, with the window before it",
        **_ROW,
        final=flag("nothing inside the horizon can change the window any more"),
        before=maybe(ref("Row", "the window before, where there is one")),
    ),
    "Accounting": record(
        "what became of every record and fact since the beginning",
        records=count("records read"),
        no_fact=counts("records that a rule takes as no fact, by rule"),
        unmapped=count("records that no rule takes"),
        dead_lettered=counts("records that could not be admitted, by reason"),
        facts=count("facts that the other records gave"),
        applied=count("facts that were applied"),
        ignored=counts("facts that changed nothing, by reason"),
        pending=count("announced departures that wait for their day"),
        beyond_horizon=count("facts older than the horizon when they came"),
        movements=counts("movements derived, by kind"),
        by_clock=count("of the losses, those that fell due by the clock"),
        links_too_late=maybe(count("links that put another right too late; none if absent")),
    ),
    "Ledger": record(
        "the running tables of every scope and window",
        definitions=_DEFINITIONS, currency=_CURRENCY, until=instant("the clock of the tables"),
        accounting=reference("Accounting"),
        total=ref("Row", "the whole company, over all time"),
        segments=named("by segment, over all time", reference("Row")),
        regions=named("by region, over all time", reference("Row")),
        products=named("by product, over all time", reference("Row")),
        windows={
            "type": "object", "description": "the total in each window", "required": list(WINDOW_NAMES),
            "properties": {name: reference("WindowRow") for name in WINDOW_NAMES},
        },
        segment_regions=named(
            "by segment, then region, over all time", {"type": "object", "additionalProperties": reference("Row")}
        ),
        cohorts=list_of(
            "customers by the month in which they joined, oldest first",
            record(
                "a month", month=text("YYYY-MM, in the company's time zone"), joined=count("who joined in it"),
                lost_30d=count("lost for the first time within 30 days"),
                lost_90d=count("lost for the first time within 90 days"),
                lost_365d=count("lost for the first time within 365 days"),
                still_here=whole("customers now"),
            ),
        ),
    ),
    "ReportCard": record(
        "the report card of one window: what a meeting about customers opens with",
        definitions=_DEFINITIONS, currency=_CURRENCY,
        at=instant("where the window ends: the instant asked for, or the clock of the tables"),
        known_until=instant("the clock of the tables: all that was known by then is in the card"),
        window={"type": "string", "enum": list(WINDOW_NAMES), "description": "the window asked for"},
        final=flag("nothing inside the horizon can change the window any more"),
        gained=amount("new and returned"),
        **{name: _ROW[name] for name in (
            "net", "new", "returned", "lost", "stayed", "stayed_of", "opening", "closing", "early_loss",
            "pending_loss", "lost_by_kind", "marbles", "activities", "recommenders", "referrals", "earned",
            "retention", "earned_growth",
        )},
        health=maybe(ref("HealthSection", "what customers experience, where signals are read")),
        voice=maybe(ref("VoiceSection", "what customers say, where mentions are read")),
        surges=maybe(ref("SurgeSection", "what is out of the ordinary, where it is looked for")),
        net_before=maybe(ref("Net", "net of the window before, where there is one")),
        reasons_by_volume={**_REASONS, "description": "the five reasons of most customers"},
        reasons_by_value={**_REASONS, "description": "the five reasons of most value"},
        reasons_unusable=record("lost without a usable reason", customers=count(""), value=count(""), **_SHARES),
        segments=list_of(
            "every segment, over all time until `at`",
            record(
                "a segment", segment=text("its name"), gained=amount("new and returned"),
                **{name: _ROW[name] for name in ("lost", "net", "closing", "transferred_in", "transferred_out")},
            ),
        ),
        problems=list_of(
            "what makes these figures less than the whole truth, if anything does",
            record(
                "a problem",
                problem={"type": "string", "enum": ["dead_letters", "unmapped", "links_too_late", "reasons_unusable",
                                                      "silent_feed"]},
                text=text("in a sentence"),
                reason=maybe(text("of dead letters")), feed=maybe(text("that is silent")),
                links=maybe(count("how many are concerned")), records=maybe(count("how many are concerned")),
                customers=maybe(count("how many are concerned")),
            ),
        ),
    ),
    "Status": record(
        "how far the company's tables are, and what this worker does",
        clock={
            "type": ["string", "null"], "format": "date-time",
            "description": "the clock of the tables (RFC 3339, UTC); null before the first record",
        },
        complete=flag("this worker has read back the tables of the company"),
        edition=record(
            "which count this is", name=text("of this worker's edition; empty: the first"),
            in_force={"type": ["string", "null"], "description": "the edition in force; null: not known just now"},
            behind={
                "type": ["integer", "null"],
                "description": "records by which a candidate is behind the one in force; null: not known, or none",
            },
        ),
        owned=list_of("partitions of the worker that answers", {"type": "integer"}),
        applied=named(
            "next offset of each owned partition in this worker's own state", {"type": ["integer", "null"]}
        ),
        partitions=named(
            "by number, as their owners last told",
            record(
                "a partition", next_offset=count("the first record that is not in the tables"),
                watermark={
                    "type": ["string", "null"], "format": "date-time",
                    "description": "largest event time counted; null before the first",
                },
                idle=flag("read to its end, with nothing new"),
                fresh=flag("the newest record was young when it was appended"),
            ),
        ),
        accounting=reference("Accounting"),
    ),
    "Live": record("whether the event loop turns", live=flag("this answer is given by it")),
    "Ready": record(
        "whether this worker has its state and the company's tables",
        ready=flag("nothing is waited for"), waits_for=list_of("what is waited for", {"type": "string"}),
    ),
    "Error": record(
        "why there is no answer",
        error=text("what was wrong, and what there is instead"),
        paths=maybe(list_of("of an unknown path: the paths there are", {"type": "string"})),
        parameters=maybe(list_of("of an unknown parameter: those that the path takes", {"type": "string"})),
    ),
    **BOARD_SCHEMAS,
    **CUSTOMER_SCHEMAS,
    **HEALTH_SCHEMAS,
}
"""Name to the schema of an answer or of a part of one."""
