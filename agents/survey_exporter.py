"""Answers to surveys on `/metrics`: what stands beside the live figures, so that one sees how late it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from streams.catalogue import SURVEYS
from streams.surges.tables_counts import ANSWERED_US, AnswerCounts


class SurveyCollector(Collector):
    """Answers as metrics."""

    def __init__(
        self, counts: AnswerCounts, outcomes: Mapping[str, int], is_complete: Callable[[], bool]
    ) -> None:
        """Of these counts, and of records by what became of them.

        `is_complete`: whether all answers that lay in the topic have been read; nothing is shown before.
        """
        self._outcomes = outcomes
        self._counts = counts
        self._is_complete = is_complete

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in SURVEYS}
        if self._is_complete():
            for outcome, records in self._outcomes.items():
                add_sample(families, "netgrowth_survey_records", records, outcome=outcome)
        newest = self._counts.newest
        if newest is not None and self._is_complete():
            voted = self._counts.voted(newest + 1 - ANSWERED_US, newest + 1)
            add_sample(families, "netgrowth_survey_newest_timestamp_seconds", newest / MICROSECONDS)
            add_sample(families, "netgrowth_survey_answers", voted.answers)
            add_sample(families, "netgrowth_survey_answers_unhappy", voted.unhappy)
            if voted.mean is not None:
                add_sample(families, "netgrowth_survey_score_ratio", voted.mean)
        yield from (family for family in families.values() if family.samples)
