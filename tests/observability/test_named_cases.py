"""Losses through the whole chain in event time: tables, detectors, the worker's metrics, and promtool on the rules.

What the worker's collector shows at each minute is written down as series for `promtool test rules`, which evaluates
the shipped rules over them; so a month takes seconds.
"""

import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agents.surge_evidence import SurgeEvidence
from agents.surge_exporter import SurgeCollector
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import DAY, MINUTE
from streams.surges.board import SurgeLog
from streams.surges.budget import SurgeRules
from streams.surges.durable import DurableSurges
from streams.surges.tables_counts import ledger_counts
from streams.tables.tables import TableRules, Tables
from streams.tables.watermark import ClockRules
from tests.observability.servers import binary

pytestmark = [pytest.mark.observability, pytest.mark.timeout(200)]

RULES = Path(__file__).parents[2] / "config/prometheus/rules/surges.yml"
START = 20_000 * DAY
PAGES = 'ALERTS{alertname=~"NetgrowthLossSurge|NetgrowthValueSurge",alertstate="firing"'

long = pytest.mark.skipif(os.environ.get("NETGROWTH_LONG_DAY") != "1", reason="a minute: NETGROWTH_LONG_DAY=1")

Rates = Callable[[int], dict[str, float]]
"""Minute to the losses that each segment is expected to have in it."""


class Chain:
    """A worker's detectors over made-up losses, and what it showed at each minute."""

    def __init__(self, seed: int) -> None:
        self.tables = Tables(TableRules())
        self.clock: int | None = None
        self.state: DurableSurges | None = DurableSurges(0, ("t", "1"), SurgeRules(), ClockRules())
        self.shown: dict[str, dict[int, float]] = {}
        self._draw = random.Random(seed)
        evidence = SurgeEvidence(self, None, lambda: (self.clock or 0) / 1e6)
        self._collector = SurgeCollector(self, SurgeLog(), label_limit=100, currency="EUR", evidence=evidence)

    def owned(self) -> set[int]:
        return {0}

    def run(self, minutes: range, rates: Rates) -> None:
        state = self.state
        assert state is not None
        for minute in minutes:
            at = START + minute * MINUTE
            for segment, rate in rates(minute).items():
                for _ in range(poisson(self._draw, rate)):
                    scope = Scope(segment, "EMEA", "unknown")
                    value = self._draw.choice([4_900, 9_900, 19_900])
                    self.tables.add_movement(Movement(MovementKind.LOST, at, scope, 1, value, None, reason="price"))
            self.clock = at + MINUTE
            self.tables.forget(self.clock)
            state.observe(at, list(ledger_counts(self.tables, at)))
            if state.bank.open_surges():
                self._note(minute + 1)

    def _note(self, minute: int) -> None:
        for family in self._collector.collect():
            for sample in family.samples:
                if "surge" in sample.labels:
                    labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                    self.shown.setdefault(f"{sample.name}{{{labels}}}", {})[minute] = sample.value

    def answers(self, folder: Path, first: int, last: int, asked: dict[str, int], every: int = 1) -> list[float]:
        """What promtool says to expressions at minutes, over what was shown from `first` to `last`; nothing is 0."""
        length = last - first + 1
        clock = {"series": 'netgrowth_surges_clock_timestamp_seconds{instance="a"}', "values": f"0+60x{length}"}
        series = [{"series": name, "values": values_of(shown, first, last)} for name, shown in self.shown.items()]
        tests = [
            {"expr": f"({expr}) or vector(0)", "eval_time": f"{minute - first}m",
             "exp_samples": [{"labels": "", "value": -1}]}
            for expr, minute in asked.items()
        ]  # fmt: skip
        case = {
            "rule_files": [str(RULES)], "evaluation_interval": f"{every}m",
            "tests": [{"interval": "1m", "input_series": [clock, *series], "promql_expr_test": tests}],
        }  # fmt: skip
        path = folder / "case.yml"
        path.write_text(yaml.safe_dump(case, width=1 << 20), encoding="utf-8")
        words = [binary("promtool"), "test", "rules", str(path)]
        tested = subprocess.run(words, capture_output=True, text=True, check=False)
        got = re.findall(r"got:(?:\S*\s)?\{\} ([-+.e0-9]+)", tested.stdout + tested.stderr)
        assert len(got) == len(asked), tested.stdout + tested.stderr
        return [float(one) for one in got]


def values_of(shown: dict[int, float], first: int, last: int) -> str:
    """A series in promtool's notation; `_` where nothing was shown, `stale` right after."""
    found, gap, was = [], 0, False
    for minute in range(first, last + 1):
        if minute in shown:
            if gap:
                found.append(f"_x{gap - 1}" if gap > 1 else "_")
            found.append(f"{shown[minute]:g}")
            gap, was = 0, True
        elif was:
            found.append("stale")
            was = False
        else:
            gap += 1
    return " ".join(found)


def poisson(draw: random.Random, rate: float) -> int:
    """A number of events, by the gaps between them."""
    count, at = 0, draw.expovariate(1.0) if rate else 1.0
    while rate and at < rate:
        count += 1
        at += draw.expovariate(1.0)
    return count


def daily(minute: int) -> float:
    """Nights are quieter: between 0.3 and 1.7 of the average."""
    hour = minute // 60 % 24
    return 0.3 if hour < 6 else 1.7 if 10 <= hour < 18 else 1.0


def pages_until(minute: int, since: int) -> dict[str, int]:
    """How many troubles paged between two minutes; a segment that surges with the company is in its page."""
    return {f"count(count by (story) (max_over_time({PAGES}}}[{minute - since}m])))": minute}


@pytest.mark.parametrize("seed", range(2))
def test_one_loss_against_an_expected_fifth_never_pages(seed: int, tmp_path: Path) -> None:
    chain, draw = Chain(seed), random.Random(seed)
    days = 20

    def rates(minute: int) -> dict[str, float]:
        return {"Tiny": 0.2 / 1440}

    chain.run(range(days * 1440), rates)
    # The rule's own answer to one loss, even where the detectors think it worth telling.
    at = days * 1440 + draw.randrange(600)
    chain.run(range(days * 1440, at), lambda _: {})
    scope = Scope("Tiny", "EMEA", "unknown")
    loss = Movement(MovementKind.LOST, START + at * MINUTE, scope, 1, 900_000, None, reason="price")
    chain.tables.add_movement(loss)
    chain.run(range(at, at + 300), lambda _: {})
    last = at + 300
    assert chain.answers(tmp_path, 0, last, pages_until(last, 0), every=5) == [0]


@long
@pytest.mark.parametrize("seed", range(2))
def test_a_doubling_in_a_twentieth_of_all_losses_pages_within_30_minutes(seed: int, tmp_path: Path) -> None:
    chain = Chain(seed)
    begins = 4 * 1440 + 11 * 60

    def rates(minute: int) -> dict[str, float]:
        level = 20 * daily(minute)
        return {"Small": 0.05 * level * (2 if minute >= begins else 1), "Large": 0.95 * level}

    chain.run(range(begins + 31), rates)
    before, after = pages_until(begins, begins - 1440), {f'count({PAGES},segment="Small"}})': begins + 30}
    assert chain.answers(tmp_path, begins - 1440, begins + 30, before | after) == [0, 1]


@long
@pytest.mark.parametrize("seed", range(1))
def test_a_month_without_a_spike_pages_at_most_once(seed: int, tmp_path: Path) -> None:
    chain = Chain(seed)
    segments = {"Enterprise": 0.05, "Mid": 0.2, "SMB": 0.45, "Private": 0.3}

    def rates(minute: int) -> dict[str, float]:
        return {name: 0.5 * share * daily(minute) for name, share in segments.items()}

    chain.run(range(30 * 1440), rates)
    [paged] = chain.answers(tmp_path, 0, 30 * 1440, pages_until(30 * 1440, 0), every=10)
    print(f"pages in a month: {paged:g}")
    assert paged <= 1
