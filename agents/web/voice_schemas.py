"""JSON Schemas of what customers say."""

from agents.web.schema_words import Schema, count, counts, instant, list_of, maybe, named, number, record, ref, text

_DEFINITIONS = record("the agreement that was counted by", name=text("its name"), version=text("its version"))
_COUNTS = {
    "mentions": count("without copies, swarms and machines"),
    "authors": count("distinct authors of these"),
    "happy": count("happy mentions"),
    "unhappy": count("unhappy mentions"),
    "unread": count("in a language that is not read: neither happy nor unhappy"),
    "reach": count("readers, each author at most at the cap"),
    "share_of_voice": number("share of the mentions of all brands"),
    "net_sentiment": maybe(number("(happy - unhappy) / (happy + unhappy); absent where there are neither")),
}
_TOPICS = named("by topic, most mentions first", ref("TopicVoice", "a topic"))
_SOURCES = named(
    "by source",
    record(
        "a source", mentions=count("ever"), last_at=instant("when the newest mention was said"),
        silent_seconds=count("from then to the clock of the mentions"),
    ),
)
_SET_APART = counts("mentions left out: copies, of swarms, of machines (bots)")

VOICE_SCHEMAS: dict[str, Schema] = {
    "TopicVoice": record("a topic", mentions=count("with the topic"), unhappy=count("unhappy ones of these")),
    "BrandVoice": record("a brand in a window", **_COUNTS),
    "Voice": record(
        "what customers say",
        definitions=_DEFINITIONS, at=instant("the clock of the mentions"),
        windows=named(
            "by window",
            record(
                "a window", start=instant("its start"), end=instant("its end, not in it"),
                brands=named("by brand, most mentions first", ref("BrandVoice", "a brand")),
                topics=_TOPICS, topics_of=named("by brand", _TOPICS), set_apart=_SET_APART,
            ),
        ),
        verdicts=list_of(
            "texts and accounts that posted much, and what they are",
            record(
                "a verdict",
                kind={"type": "string", "enum": ["people", "copies", "swarm", "one_author"], "description": "what"},
                brands=list_of("most mentions first", {"type": "string"}),
                mentions=count("seen"), authors=count("most at a time"), counted=count("of the mentions"),
                first_at=maybe(instant("of the first")), last_at=maybe(instant("of the last")),
            ),
        ),
        sources=_SOURCES,
        accounting=record(
            "what became of the records of mentions: records = dead_lettered + unmapped + mentions",
            records=count("read"), dead_lettered=counts("by reason"), unmapped=count("that no source takes"),
            mentions=count("that they gave"),
            duplicates=count("of these, sent again, as the answering worker has seen since it reads"),
            lost=count("records of digests that the broker lost"),
        ),
    ),
    "VoiceSection": record(
        "what customers say, in the report card",
        window=text("the card's, or 24h where mentions are not kept for that one"),
        at=instant("the clock of the mentions"),
        brands=list_of("most mentions first", record("a brand", brand=text("its name"), topics=_TOPICS, **_COUNTS)),
        set_apart=_SET_APART, sources=_SOURCES,
    ),
}
