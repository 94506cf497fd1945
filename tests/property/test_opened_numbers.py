"""Lives of every kind, in disorder and corrected: the list behind a number is as long as the number says."""

from collections import Counter

from streams.drilldown.numbers import FLOWS, LEVELS
from streams.facts.models import RawRecord
from streams.ledger.movements import Change
from streams.recount import Recount
from tests.opened_numbers import open_at_random, written
from tests.property.test_books_survive_crashes import LONG
from tests.reference.generate import facts


def counted(records: list[bytes], definitions: object = LONG) -> tuple[Recount, list[Change]]:
    changes: list[Change] = []
    recount = Recount(definitions, on_change=changes.append, by="hour")  # type: ignore[arg-type]
    recount.add([RawRecord(value, offset=offset) for offset, value in enumerate(records)])
    recount.finish()
    return recount, changes


def test_a_stream_with_every_kind_of_fact() -> None:
    opened: Counter[str] = Counter()
    for seed in range(3):
        recount, changes = counted(list(facts(seed, customers=150, n=2500, days=20).raw()))
        assert any(change.sign < 0 for change in changes)
        opened += open_at_random(
            recount.tables, recount.clock() or 0, written(changes), recount._ledgers, 250, seed
        )
    # A measure behind which nobody was found says nothing.
    assert set(opened) == {*FLOWS, *LEVELS}, opened
