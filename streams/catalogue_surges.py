"""Metrics of surges as plain data, for `streams.catalogue`: name, unit, help text, labels."""

from streams.catalogue_units import CURRENCY, CUSTOMERS, NOTHING, RATIO, SECONDS, TIMESTAMP, described

SERIES_LABELS = ("measure", "segment", "region", "product", "brand", "topic", "service", "stage")
"""What a series is called; those that do not apply are left out."""

OF_SURGE = ("surge", "story", *SERIES_LABELS, "direction", "is_expected")
"""`surge` is its id and stays the same while it is open; surges of one trouble share a `story`."""

FOR_PAGES = frozenset({
    "surge_closed_timestamp_seconds", "surge_course", "surge_customers_lost", "surge_value_lost",
    "surge_customers_lost_by_reason", "surge_customers_lost_by_part", "surge_customers_lost_disrupted_before",
    "surge_customers_lost_disrupted_before_by_stage", "surge_action_timestamp_seconds", "surge_warming_seconds",
    "surge_series_over_budget", "feed_silent_after_seconds",
})  # fmt: skip
"""What sentences of pages, the API and the report card are made of; on no board."""

OWNER_METRICS = (
    described("owner_customers_lost", CUSTOMERS,
              "Lost in an open trouble (story), of those for whom an owner of the definitions answers.",
              "story", "owner"),
    described("owner_value_lost", CURRENCY, "Their expected value.", "story", "owner"),
    described("owner_customer_value_lost", CURRENCY,
              "The ten of them of most value, each by the name that is shown of customers: for the owner's ticket.",
              "story", "owner", "customer"),
)
"""There only while a trouble is open and the definitions name owners."""

SURGE_METRICS = (
    described("feed_silent_after_seconds", SECONDS,
              "Without a record for so long a feed is silent, and what is counted of it unknown: a minute over what "
              "it promises, else a quarter over its longest pause of 14 days; absent until it was watched for a day.",
              "topic"),
    described("surges_open", NOTHING,
              "Open surges; is_expected true: an action of ours said that so much would come, so it wakes nobody.",
              "measure", "direction", "is_expected"),
    described("surge_observed", NOTHING,
              "What was counted in an open surge since its onset; value in major units.", *OF_SURGE),
    described("surge_expected", NOTHING, "What was expected of that time.", *OF_SURGE),
    described("surge_onset_timestamp_seconds", TIMESTAMP, "Since when an open surge lasts.", *OF_SURGE),
    described("mentions_expected", NOTHING,
              "What an hour's happy or unhappy mentions of a brand would be, were all as its own past, the hour and "
              "the day lead one to expect; absent while that is being learnt.",
              "brand", "mood"),
    described("surge_evidence_ratio", RATIO,
              "What an open surge consists of: share of its excess, the first three values of each label.",
              "surge", "label", "value"),
    described("surge_closed_timestamp_seconds", TIMESTAMP,
              "When a surge ended; shown for two minutes, with its last numbers, for the note of its end.",
              *OF_SURGE),
    described("surge_course", NOTHING,
              "1: an open surge is growing, 0: steady, -1: easing; the last ten minutes against the ten before, "
              "three hours where it was told by hours or days.",
              "surge"),
    described("surge_customers_lost", CUSTOMERS, "Lost in the scope of a surge of losses since its onset.", "surge"),
    described("surge_value_lost", CURRENCY, "Their expected value.", "surge"),
    described("surge_customers_lost_by_reason", CUSTOMERS,
              "Of them, by what they said why: the three largest reasons.", "surge", "reason"),
    described("surge_customers_lost_by_part", CUSTOMERS,
              "Of them, by segment, region and product as far as the scope leaves them open: the largest of each.",
              "surge", "label", "value"),
    described("surge_customers_lost_disrupted_before", CUSTOMERS,
              "Of them, disrupted in the hour before they left, at any stage; absent: not known.", "surge"),
    described("surge_customers_lost_disrupted_before_by_stage", CUSTOMERS,
              "The same by stage: the three largest.", "surge", "stage"),
    described("surge_action_timestamp_seconds", TIMESTAMP,
              "What we did from two hours before the onset on, in its scope: the newest three, when each began.",
              "surge", "kind", "text"),
    described("action_timestamp_seconds", TIMESTAMP,
              "What we did in the last three hours: the newest actions, when each began; labels are its scope.",
              "kind", "text", "segment", "region", "product", "brand", "topic", "service", "stage"),
    described("surge_series", NOTHING, "Series that are watched, by state; one that is warming raises nothing.",
              "state"),
    described("surge_warming_seconds", SECONDS,
              "Until the last of the series that are warming may raise an alarm, as far as that is known."),
    described("surge_series_over_budget", NOTHING,
              "Series with more false alarms in 30 days than the one that is accepted of each."),
    described("surges_clock_timestamp_seconds", TIMESTAMP, "Event time up to which surges were looked for."),
    described("surges_judged", NOTHING,
              "Surges of the last 30 days by what people said of them: real, expected, false; none: nothing.",
              "verdict"),
    described("topic_loss_lead_seconds", SECONDS,
              "How long unhappy mentions of a topic come before losses for that reason; only where the data say so.",
              "topic", "bound"),
    described("topic_loss_correlation_ratio", RATIO, "How closely losses then follow, with its interval.",
              "topic", "bound"),
    described("survey_troubles", NOTHING,
              "Troubles of the last 60 days by what surveys showed of them: shown, waiting (there is time yet), "
              "not_shown, no_surveys (none were answered, or too few).",
              "state"),
    described("survey_lead_seconds", SECONDS,
              "How much earlier a trouble was told than surveys showed it (below zero: they were first): by mean, "
              "their mean of seven days; by surge, of unhappy answers; by first, whichever that was. Absent where "
              "surveys showed nothing.",
              "story", "measure", "by"),
    described("surges_false_alarm_budget", NOTHING, "False surges of 30 days that are accepted, over all series."),
)
