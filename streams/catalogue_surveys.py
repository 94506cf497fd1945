"""Metrics of answers to surveys as plain data, for `streams.catalogue`: name, unit, help text, labels."""

from streams.catalogue_units import NOTHING, RATIO, RECORDS, TIMESTAMP, described

SURVEY_METRICS = (
    described("survey_answers", NOTHING, "Answers to surveys in the seven days before the newest one."),
    described("survey_answers_unhappy", NOTHING,
              "Of these, those in the lowest part of their scale, as surges count them."),
    described("survey_score_ratio", RATIO, "Mean of these answers, each on its scale from 0 to 1."),
    described("survey_newest_timestamp_seconds", TIMESTAMP, "When the newest answer was given."),
    described("survey_records", RECORDS,
              "Records of the topic by what became of them, from its beginning on; the outcomes sum to all records. "
              "Every worker reads them all and tells the same: workers are not to be added up.", "outcome"),
)
"""Exported by every worker that reads answers."""

FOR_DIAGNOSIS = frozenset({"survey_records"})
"""On no board."""
