"""JSON Schemas of the customers behind a number."""

from agents.web.board_schemas import SCOPE
from agents.web.schema_words import Schema, count, flag, instant, list_of, maybe, record, ref, text
from streams.drilldown.numbers import IN_TROUBLE, MEASURES
from streams.tables.windows import WINDOW_NAMES

_NAMES = flag("`customer` is a pseudonym; else the company's own id")

CUSTOMER_SCHEMAS: dict[str, Schema] = {
    "CustomerLine": record(
        "a customer, and what put it there",
        customer=text("pseudonym, or the company's id where the operator allows it"),
        what=text(
            "what happened: a kind of movement; of a level `opening`, `customer since` or `about to leave`; "
            "`disrupted`: it is, now"
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
        places=maybe(list_of("of a customer disrupted now, where", record(
            "a stage of the journey", service=text(""), stage=text(""), since=instant("since when"),
        ))),
        to=maybe(record("of a transfer, where it went", segment=text(""), region=text(""), product=text(""))),
    ),
    "Customers": record(
        "the customers behind a number",
        measure={"type": "string", "enum": [*MEASURES, IN_TROUBLE], "description": "the number that was opened"},
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
    ),
}  # fmt: skip
"""Name to the schema of an answer or of a part of one."""
