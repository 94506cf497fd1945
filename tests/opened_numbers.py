"""Numbers of the tables drawn at random and opened: the list must be as long as the number says."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from random import Random

from agents.movement_records import VoidMovements, movement_records, read_movements
from streams.drilldown.flows import FlowList
from streams.drilldown.levels import is_behind, standings
from streams.drilldown.numbers import FLOWS, LEVELS, Number, customers_in
from streams.ledger.movement_lines import MovementLine, MovementLines
from streams.ledger.movements import Change
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import HOUR
from streams.report.instants import CannotAnswer, check_kept
from streams.tables.levels import Level
from streams.tables.rows import Row, row
from streams.tables.scopes import EVERY, THE_TOTAL
from streams.tables.tables import Tables
from streams.tables.windows import WINDOW_NAMES, Span, windows_at

CELLS_OF_A_WINDOW = 25
RECENT = 12 * HOUR


def written(changes: Sequence[Change]) -> list[MovementLine]:
    """Movements as the topic has them, by time; those that were withdrawn, too."""
    void, batches = VoidMovements(), []
    for _, value in movement_records(0, 0, MovementLines(changes), epoch=1, flush=1):
        batches.append(read_movements(value))
        void.note(batches[-1])
    lines = [line for batch in batches if void.counts(batch) for line in batch.movements]
    return sorted(lines, key=lambda line: line.at_us)


def open_at_random(
    tables: Tables, clock: int, lines: Sequence[MovementLine], ledgers: Sequence[PartitionLedger], cells: int,
    seed: int,
) -> Counter[str]:
    """Open so many numbers of windows at any instant, at the clock those of who is here.

    Returns: how often each measure was opened with anybody behind it.
    """
    random, opened, times = Random(seed), Counter[str](), [line.at_us for line in lines]
    drawn = 0
    while drawn < cells:
        at = random.choice((clock, clock - random.randrange(RECENT), random.randint(times[0], clock)))
        at = random.choice((at, at, tables.calendar.day_start(at) - 1, tables.calendar.hour_start(at) - 1))
        window = random.choice(WINDOW_NAMES)
        span = windows_at(tables.calendar, at)[window].span
        try:
            check_kept(tables, span, clock)
        except CannotAnswer:
            continue
        rows = tables.rows(span, EVERY)
        within = lines[bisect_left(times, span.start) : bisect_left(times, span.end)]
        # What was counted after the window is taken back, as far as the facts are remembered.
        is_recent = clock - span.end < RECENT
        for _ in range(min(CELLS_OF_A_WINDOW, cells - drawn)):
            scope = random.choice([*rows, THE_TOTAL, ("segment", "nowhere", "")])
            of = rows.get(scope) or row({}, Level(), tables.rules.rows)
            number = draw(random, scope, span, of, (*FLOWS, *LEVELS * 4) if is_recent else FLOWS)
            number.check()
            count = listed(number, within, ledgers)
            assert count == customers_in(of, number), (number, window)
            opened[number.measure] += bool(count)
            drawn += 1
    return opened


def draw(random: Random, scope: tuple[str, str, str], span: Span, of: Row, measures: Sequence[str]) -> Number:
    """A number of a row."""
    measure = random.choice(measures)
    narrowed: dict[str, str] = {}
    match (measure, random.randrange(3)):
        case ("lost", 1):
            narrowed["kind"] = random.choice([*of["lost_by_kind"], "nothing"])
        case ("lost", 2):
            narrowed["reason"] = random.choice([*(line["reason"] for line in of["reasons"]), "unknown"])
        case ("brought", 1 | 2):
            narrowed["activity"] = random.choice([*(line["activity"] for line in of["activities"]), "unknown"])
    return Number(measure, scope, span, **narrowed)


def listed(number: Number, within: Sequence[MovementLine], ledgers: Sequence[PartitionLedger]) -> int:
    """How many customers are listed behind a number."""
    if number.measure in FLOWS:
        found = FlowList(number)
        found.take(within)
        return len(found.found())
    return sum(
        is_behind(number, one) for ledger in ledgers for one in standings(ledger, ledger.ids(), number.span.end)
    )
