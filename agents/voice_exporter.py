"""Mentions on `/metrics`: the brands that this worker owns, and how far the mentions have come."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from streams.catalogue import VOICE, VOICE_COMPANY
from streams.voice.now import OTHER, apart_json, folded_cells, shown_brands, shown_topics
from streams.voice.running import LONGEST_WINDOW, WINDOWS, RunningVoice
from streams.voice.tables import Cell


class VoiceView(Protocol):
    """Mentions of the whole company, as a worker has them.

    Attributes:
        clock: of the mentions, microseconds; None: not known yet.
        complete: whether the worker has caught up; else nothing of the tables is shown.
        tables: the running windows.
    """

    complete: bool
    tables: RunningVoice

    @property
    def clock(self) -> int | None: ...

    def owns(self, brand: str) -> bool:
        """Whether this worker exports a brand now."""
        ...

    def sources(self) -> Mapping[str, tuple[int, int]]:
        """Source to its mentions and the largest event time of one."""
        ...


class VoiceCollector(Collector):
    """Mentions as metrics."""

    def __init__(self, view: VoiceView, *, label_limit: int) -> None:
        self._view = view
        self._label_limit = label_limit

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in (*VOICE, *VOICE_COMPANY)}
        view = self._view
        add_sample(families, "netgrowth_mentions_complete", int(view.complete))
        if view.complete and view.clock is not None:
            add_sample(families, "netgrowth_mentions_clock_timestamp_seconds", view.clock / MICROSECONDS)
            for source, (mentions, last_at) in view.sources().items():
                at = last_at / MICROSECONDS
                add_sample(families, "netgrowth_mention_source_newest_timestamp_seconds", at, source=source)
                add_sample(families, "netgrowth_mention_source_mentions", mentions, source=source)
            self._add_windows(families)
        yield from (family for family in families.values() if family.samples)

    def _add_windows(self, families: dict[str, Family]) -> None:
        tables = self._view.tables
        of_day = tables.windows[LONGEST_WINDOW]
        shown = shown_brands(of_day, self._label_limit)
        add_sample(families, "netgrowth_mention_brands", len(of_day))
        add_sample(families, "netgrowth_mention_brands_shown", len(shown))
        for window in WINDOWS:
            cells = tables.windows[window]
            of_all = sum(cell.mentions for cell in cells.values())
            for brand, cell in folded_cells(cells, shown).items():
                if self._view.owns(brand):
                    self._add_brand(families, cell, of_all, brand=brand, window=window)
            apart: dict[str, list[Mapping[int, int]]] = {}
            for brand, states in tables.apart[window].items():
                apart.setdefault(brand if brand in shown else OTHER, []).append(states)
            for brand, of_brand in apart.items():
                if self._view.owns(brand):
                    for kind, number in apart_json(of_brand).items():
                        labels = {"brand": brand, "kind": kind, "window": window}
                        add_sample(families, "netgrowth_mentions_set_apart", number, **labels)

    def _add_brand(
        self, families: dict[str, Family], cell: Cell, of_all: int, **labels: str
    ) -> None:
        numbers = {
            "mentions": cell.mentions, "mention_authors": len(cell.authors), "mentions_happy": cell.happy,
            "mentions_unhappy": cell.unhappy, "mentions_unread": cell.unread, "mention_reach": cell.reach,
            "share_of_voice_ratio": cell.mentions / of_all,
        }  # fmt: skip
        net = cell.net_sentiment
        if net is not None:
            numbers["net_sentiment_ratio"] = net
        for name, number in numbers.items():
            add_sample(families, f"netgrowth_{name}", number, **labels)
        for topic, (mentions, unhappy) in shown_topics(cell, self._label_limit).items():
            add_sample(families, "netgrowth_topic_mentions", mentions, topic=topic, **labels)
            add_sample(families, "netgrowth_topic_mentions_unhappy", unhappy, topic=topic, **labels)
