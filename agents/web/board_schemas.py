"""JSON Schemas of what the board page shows."""

from agents.web.schema_words import (
    Schema,
    count,
    flag,
    instant,
    list_of,
    maybe,
    number,
    record,
    ref,
    reference,
    text,
    whole,
)
from streams.tables.windows import WINDOW_NAMES

NAMES: Schema = {"type": "string"}
SCOPE = record(
    "what is counted; empty: the whole company",
    segment=maybe(text("a segment")), region=maybe(text("a region")), product=maybe(text("a product")),
)  # fmt: skip
_SHARED_REASON = record(
    "a reason", reason=text(""), customers=count(""), value=count(""),
    share_of_customers=maybe(number("of lost customers; absent when nobody was lost")),
    share_of_value=maybe(number("of lost value; absent when none was lost")),
)  # fmt: skip
_BOWL = record("a bowl", drawing=text("an SVG element"), text=text("what it holds, in words"))
_VOTED = record(
    "answers of a span", answers=count("of them"), unhappy=count("in the lowest quarter of their scale"),
    mean=maybe(number("on a scale from 0 to 1; absent without an answer")),
)
_BY = {"type": "string", "enum": ["minute", "hour", "day", "week", "month"], "description": "length of a period"}

BOARD_SCHEMAS: dict[str, Schema] = {
    "Board": record(
        "what the page shows of one window of one scope; what rests on the tables is absent before there are any",
        state={
            "type": "string", "enum": ["recovering", "empty", "ready"],
            "description": "recovering: no numbers, or not of the whole company; empty: nothing has come yet",
        },
        definitions=record("the agreement that was counted by", name=text("its name"), version=text("its version")),
        currency=text("ISO 4217 code of all values"),
        minor_digits=count("digits behind the point of a major unit"),
        time_zone=text("the company's"),
        window={"type": "string", "enum": list(WINDOW_NAMES), "description": "the window asked for"},
        scope=SCOPE,
        notes=list_of("what keeps the numbers from being the whole truth now, in sentences", NAMES),
        notice=maybe(text("what NETGROWTH_NOTICE says")),
        parts=list_of("feeds that this worker reads", NAMES),
        feeds=list_of(
            "every feed, and what it waits for",
            record(
                "a feed", feed=text("its topic, without prefix"), text=text("in a sentence"),
                state={"type": "string", "enum": ["live", "stale", "silent", "past", "waiting", "missing"],
                       "description": "past: its records were old when they came, so it does not run with the clock; "
                       "silent: it pauses longer than ever, or than it promised, so that what rests on it is absent"},
                newest=maybe(text("largest event time, in the company's time zone")),
                known_until=maybe(instant("of a silent one: up to when it has told")),
            ),
        ),
        at=maybe(text("the instant that is shown, in the company's time zone")),
        known_until=maybe(instant("the clock of the tables")),
        start=maybe({
            "type": ["string", "null"], "description": "of the window, in the company's time zone; null: ever",
        }),
        end=maybe(text("of the window, in the company's time zone")),
        final=maybe(flag("nothing inside the horizon can change the window any more")),
        sentence=maybe(text("net growth in a sentence")),
        row=maybe(ref("Row", "what the tables say")),
        before=maybe(record(
            "the window that stands beside it, where there is one",
            net=reference("Net"), sentence=text("its net growth in a sentence"),
        )),
        reasons_by_volume=maybe(list_of("the five reasons of most customers", _SHARED_REASON)),
        reasons_by_value=maybe(list_of("the five reasons of most value", _SHARED_REASON)),
        bowls=maybe(record("two bowls of marbles", gained=_BOWL, lost=_BOWL)),
        line=maybe(record(
            "net growth over time",
            by=_BY,
            steps=list_of("oldest first", record(
                "a period", start=text("in the company's time zone"), joined=count("customers"),
                lost=count("customers"), value=whole("net, minor units"),
            )),
        )),
        lately=maybe(list_of("the latest periods in which anything happened, newest first", record(
            "a period", start=text("in the company's time zone"), by=_BY, text=text("in words"),
        ))),
        health=maybe(ref("HealthSection", "what customers experience now, where signals are read")),
        voice=maybe(ref("VoiceSection", "what customers say now, where mentions are read")),
        surveys=maybe(record(
            "what surveys say, where answers are read: the week before the newest answer, and the week before that",
            at=text("of the newest answer, in the company's time zone"), days=count("of each span"),
            now=_VOTED, before=_VOTED,
        )),
        troubles=maybe(list_of(
            "what is out of the ordinary, where surges are looked for: those with an alert, then the other open ones",
            record(
                "surges of one trouble", story=text("id of the surge that told it first"), since=text("its onset"),
                surges=list_of("those with an alert, then the other open ones; the earliest first", record(
                    "a surge", open=flag("it goes on"), text=text("in a sentence"),
                    alert=maybe(text("the alert that it fires, which wakes somebody; absent: none")),
                )),
                more=count("surges of it beyond these"),
            ),
        )),
        choices=maybe(record(
            "scopes that there are, those of most customers first",
            segments=list_of("", NAMES), regions=list_of("", NAMES), products=list_of("", NAMES),
        )),
    ),
}  # fmt: skip
"""Name to the schema of an answer or of a part of one."""
