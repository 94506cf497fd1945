"""JSON Schemas of the customers behind a number."""

from agents.web.board_schemas import SCOPE
from agents.web.schema_words import Schema, count, flag, instant, list_of, maybe, number, record, ref, text
from streams.drilldown.numbers import IN_TROUBLE, MEASURES
from streams.health.live.hurt_list import DISRUPTED
from streams.tables.windows import WINDOW_NAMES

_NAMES = flag("`customer` is a pseudonym; else the company's own id")

CUSTOMER_SCHEMAS: dict[str, Schema] = {
    "CustomerLine": record(
        "a customer, and what put it there",
        customer=text("pseudonym, or the company's id where the operator allows it"),
        what=text(
            "what happened: a kind of movement; of a level `opening`, `customer since` or `about to leave`; "
            "`disrupted`: it is, now; `was disrupted`, in the window"
        ),
        at=instant("when; of about to leave, when it falls due"),
        segment=text("under which it is counted"), region=text(""), product=text(""),
        value=maybe(count("minor units: that came or went; of a level, held now; absent where it is not known")),
        fact=maybe(record(
            "what it was derived from",
            silo=maybe(text("whose record said so")),
            event_id=maybe(text("of that record, where real ids are allowed")),
            clock=maybe(flag("no record: it fell due")),
        )),
        reason=maybe(text("of lost")), kind=maybe(text("of lost")), early=maybe(flag("of lost: soon after it came")),
        activity=maybe(text("what brought it")),
        until=maybe(instant("of was disrupted: the end of the last minute; `at` is the first")),
        minutes=maybe(count("of was disrupted: minutes in which it was")),
        stands_for=maybe(count("of was disrupted: customers that it counts for, if its signals are of several")),
        places=maybe(list_of("of a customer disrupted, where", record(
            "a stage of the journey", service=text(""), stage=text(""), since=instant("since when"),
        ))),
        to=maybe(record("of a transfer, where it went", segment=text(""), region=text(""), product=text(""))),
    ),
    "Customers": record(
        "the customers behind a number",
        measure=text("the number that was opened") | {"enum": [*MEASURES, IN_TROUBLE, DISRUPTED]},
        window={"type": "string", "enum": list(WINDOW_NAMES), "description": "the window"},
        scope=SCOPE,
        kind=maybe(text("asked for")), reason=maybe(text("asked for")), activity=maybe(text("asked for")),
        service=maybe(text("asked for")), stage=maybe(text("asked for")),
        start={"type": ["string", "null"], "description": "of the window (RFC 3339); null: ever"},
        end=text("of the window (RFC 3339)"),
        known_until=instant("the clock of the tables"),
        currency=text("of all values"),
        pseudonyms=_NAMES,
        total=count("customers behind the number"),
        counted=maybe(count("what the tables say; absent where they have no such number")),
        offset=count("customers passed over"),
        customers=list_of("by time", ref("CustomerLine", "one")),
        next=maybe(text("path of the next part of the list")),
    ),
    "CustomerTimeline": record(
        "what became of a customer, oldest first",
        customer=text("as asked for"), pseudonyms=_NAMES, currency=text("of all values"),
        movements=list_of("oldest first", ref("CustomerLine", "one")),
        disruptions=maybe(list_of("of the last day, oldest first; absent where no signals are read", record(
            "minutes in which it was disrupted again and again",
            service=text("where"), stage=text("journey stage"), at=instant("the first"),
            until=maybe(instant("the end of the last; absent while the first is not over")),
            minutes=maybe(count("disrupted ones of them; absent likewise")),
            lasts=maybe(flag("true: it is disrupted now")),
        ))),
        mentions=maybe(list_of("that carry its id, of the newest, oldest first; absent where none are read", record(
            "what it said",
            at=instant("when"), channel=text("where"), brand=text("of which brand"),
            topics=list_of("what of", {"type": "string"}), sentiment=maybe(number("as stated, -1 to 1")),
            text=maybe(text("how it begins, where real ids are allowed")),
        ))),
        missing=maybe(list_of("what cannot be told now, and why", {"type": "string"})),
    ),
}  # fmt: skip
"""Name to the schema of an answer or of a part of one."""
