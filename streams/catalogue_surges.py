"""Metrics of surges as plain data, for `streams.catalogue`: name, unit, help text, labels."""

from streams.catalogue_units import NOTHING, RATIO, SECONDS, TIMESTAMP, described

SERIES_LABELS = ("measure", "segment", "region", "product", "brand", "topic", "service", "stage")
"""What a series is called; those that do not apply are left out."""

OF_SURGE = ("surge", "story", *SERIES_LABELS, "direction", "is_expected")
"""`surge` is its id and stays the same while it is open; surges of one trouble share a `story`."""

SURGE_METRICS = (
    described("surges_open", NOTHING,
              "Open surges; is_expected true: an action of ours said that so much would come, so it wakes nobody.",
              "measure", "direction", "is_expected"),
    described("surge_observed", NOTHING, "What was counted in an open surge since its onset.", *OF_SURGE),
    described("surge_expected", NOTHING, "What was expected of that time.", *OF_SURGE),
    described("surge_onset_timestamp_seconds", TIMESTAMP, "Since when an open surge lasts.", *OF_SURGE),
    described("surge_evidence_ratio", RATIO,
              "What an open surge consists of: share of its excess, the first three values of each label.",
              "surge", "label", "value"),
    described("surge_series", NOTHING, "Series that are watched, by state; one that is warming raises nothing.",
              "state"),
    described("surges_clock_timestamp_seconds", TIMESTAMP, "Event time up to which surges were looked for."),
    described("surges_judged", NOTHING,
              "Surges of the last 30 days by what people said of them: real, expected, false; none: nothing.",
              "verdict"),
    described("topic_loss_lead_seconds", SECONDS,
              "How long unhappy mentions of a topic come before losses for that reason; only where the data say so.",
              "topic", "bound"),
    described("topic_loss_correlation_ratio", RATIO, "How closely losses then follow, with its interval.",
              "topic", "bound"),
    described("surges_false_alarm_budget", NOTHING, "False surges of 30 days that are accepted, over all series."),
)
