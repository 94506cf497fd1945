"""What this process did since it started, as counters and histograms; called once a batch or a flush."""

from collections.abc import Mapping, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from agents.partition_state import Admitted
from streams.catalogue import (
    APPEND_DELAY,
    BATCHES,
    DEAD_LETTERS,
    EVENT_DELAY,
    FACTS_READ,
    FLUSH_SECONDS,
    FLUSHED_BYTES,
    FLUSHED_RECORDS,
    RECORDS_READ,
    Kind,
    Metric,
)
from streams.facts.models import RejectReason

MICROSECONDS = 1_000_000


class ProcessMetrics:
    """Counters of one worker process. Every child of a closed set of labels is there from the start, at 0."""

    def __init__(self, registry: CollectorRegistry, outcomes: Mapping[str, Sequence[str]]) -> None:
        """`outcomes`: input topic, without prefix, to what may become of its records."""
        # A start time of a series beside each counter would double them and says nothing that `up` does not.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        names = tuple(outcomes)
        counter, histogram = partial(_counter, registry), partial(_histogram, registry)
        records, letters = counter(RECORDS_READ), counter(DEAD_LETTERS)
        facts, batches = counter(FACTS_READ), counter(BATCHES)
        events, appends = histogram(EVENT_DELAY), histogram(APPEND_DELAY)
        self._records = {(topic, of): records.labels(topic, of) for topic in names for of in outcomes[topic]}
        self._letters = {(topic, of.value): letters.labels(topic, of.value) for topic in names for of in RejectReason}
        self._facts = {topic: facts.labels(topic) for topic in names}
        self._batches = {topic: batches.labels(topic) for topic in names}
        self._oldest = {topic: events.labels(topic, "oldest") for topic in names}
        self._newest = {topic: events.labels(topic, "newest") for topic in names}
        self._appends = {topic: appends.labels(topic) for topic in names}
        self._flush_seconds = histogram(FLUSH_SECONDS)
        self._flushed_records = counter(FLUSHED_RECORDS)
        self._flushed_bytes = counter(FLUSHED_BYTES)

    def batch_read(
        self,
        topic: str,
        admitted: Admitted,
        *,
        now_us: int,
        oldest_event_us: int | None = None,
        newest_event_us: int | None = None,
        oldest_append_us: int | None = None,
    ) -> None:
        """A batch of a topic was counted.

        Args:
            now_us: the wall clock; delays are from the other instants until then, None: there is none.

        Raises: KeyError for a topic that was not named at the start.
        """
        self._batches[topic].inc()
        for outcome, records in admitted.outcomes.items():
            self._records[topic, outcome].inc(records)
        self._facts[topic].inc(admitted.gave)
        for letter in admitted.dead_letters:
            self._letters[topic, letter.reason.value].inc()
        for delays, since in (
            (self._oldest, oldest_event_us),
            (self._newest, newest_event_us),
            (self._appends, oldest_append_us),
        ):
            if since is not None:
                # Clocks of sources and brokers may be ahead of ours: that is no delay.
                delays[topic].observe(max(0, now_us - since) / MICROSECONDS)

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """A flush wrote so many records of so many bytes in so many seconds."""
        self._flush_seconds.observe(seconds)
        self._flushed_records.inc(records)
        self._flushed_bytes.inc(size)


def _counter(registry: CollectorRegistry, metric: Metric) -> Counter:
    assert metric.kind is Kind.COUNTER
    return Counter(metric.name, metric.about, metric.labels, registry=registry)


def _histogram(registry: CollectorRegistry, metric: Metric) -> Histogram:
    assert metric.kind is Kind.HISTOGRAM
    return Histogram(metric.name, metric.about, metric.labels, registry=registry, buckets=metric.buckets)
