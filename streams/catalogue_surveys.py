"""Metrics of answers to surveys as plain data, for `streams.catalogue`: name, unit, help text."""

from streams.catalogue_units import NOTHING, RATIO, TIMESTAMP

SURVEY_METRICS = (
    ("survey_answers", NOTHING, "Answers to surveys in the seven days before the newest one."),
    ("survey_answers_unhappy", NOTHING, "Of these, those in the lowest part of their scale, as surges count them."),
    ("survey_score_ratio", RATIO, "Mean of these answers, each on its scale from 0 to 1."),
    ("survey_newest_timestamp_seconds", TIMESTAMP, "When the newest answer was given."),
)
"""Exported by every worker that reads answers."""
