"""Metrics of mentions as plain data, for `streams.catalogue`: name, unit, help text, labels."""

from streams.catalogue_units import NOTHING, RATIO, TIMESTAMP, described

OF_BRANDS = ("brand", "window")

VOICE_METRICS = (
    described("mentions", NOTHING, "Mentions of a brand, without copies, swarms and machines.", *OF_BRANDS),
    described("mention_authors", NOTHING, "Distinct authors of these mentions.", *OF_BRANDS),
    described("mentions_happy", NOTHING, "Happy mentions of a brand.", *OF_BRANDS),
    described("mentions_unhappy", NOTHING, "Unhappy mentions of a brand.", *OF_BRANDS),
    described("mentions_unread", NOTHING, "Mentions in a language that is not read: neither happy nor unhappy.",
              *OF_BRANDS),
    described("mention_reach", NOTHING, "Readers of these mentions, each author at most at the cap.", *OF_BRANDS),
    described("net_sentiment_ratio", RATIO, "(Happy - unhappy) / (happy + unhappy); absent where there are neither.",
              *OF_BRANDS),
    described("share_of_voice_ratio", RATIO, "A brand's share of the mentions of all brands.", *OF_BRANDS),
    described("topic_mentions", NOTHING, "Mentions of a brand by topic; a mention may have several.",
              "brand", "topic", "window"),
    described("topic_mentions_unhappy", NOTHING, "Unhappy mentions of a brand by topic.", "brand", "topic", "window"),
    described("mentions_set_apart", NOTHING, "Mentions left out: copies, of swarms, of machines (bots).",
              "brand", "kind", "window"),
)
"""Metrics of mentions: exported for the brands that a worker owns, and only by it."""

VOICE_COMPANY_METRICS = (
    described("mentions_clock_timestamp_seconds", TIMESTAMP,
              "Clock of the mentions: event time up to which their windows stand."),
    described("mentions_complete", NOTHING,
              "1: this worker has the mentions of the whole company; 0: it catches up."),
    described("mention_source_newest_timestamp_seconds", TIMESTAMP, "When the newest mention of a source was said.",
              "source"),
    described("mention_source_mentions", NOTHING, "Mentions of a source, ever; a gauge, as it moves between workers.",
              "source"),
    described("mention_brands", NOTHING, "Brands with mentions in the last day."),
    described("mention_brands_shown", NOTHING, "Brands shown under their own name; the others are other."),
)
"""Metrics of mentions that every worker exports."""
