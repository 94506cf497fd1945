"""The ledger as the health of the same partition asks it."""

from typing import Any

from agents.health import LedgerOfPartition
from config.definitions_file import parse
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.health.exposure import Loss
from streams.ledger.changelog import ChangelogReader
from streams.recount import table_rules
from streams.tables.watermark import ClockRules
from tests.unit.streams.health.live.test_followed import fact
from tests.unit.streams.health.signalling import NATIVE, START, records

LAPSE = "lapse: {after: 20d, restarted_by: [joined]}\n"


def ledger_of(facts: list[dict[str, Any]], more: str = "") -> LedgerOfPartition:
    """The view on books that hold these facts."""
    definitions = parse(NATIVE + more)
    books = PartitionBooks(0, 1, definitions, Admission(definitions), table_rules(definitions), ClockRules())
    books.restore(ChangelogReader(), 1)
    books.apply(records(facts), len(facts))
    books.advance(books.watermark.largest)
    return LedgerOfPartition(lambda: books)


def at(minute: float) -> int:
    return (START + int(minute * 60_000)) * 1000


def test_the_loss_of_a_customer_is_the_last_one_and_none_once_it_is_back() -> None:
    facts = [fact(1, "a", 0, fact="joined"), fact(2, "a", 10, fact="left", reason="price")]
    assert ledger_of(facts).loss("a") == Loss("a", at(10), "price")
    assert ledger_of(facts[:1]).loss("a") is None
    assert ledger_of(facts).loss("nobody") is None
    facts += [fact(3, "a", 2_000, fact="joined")]
    assert ledger_of(facts).loss("a") is None
    facts += [fact(4, "a", 4_000, fact="left", reason="moved")]
    assert ledger_of(facts).loss("a") == Loss("a", at(4_000), "moved")


def test_silence_is_a_loss_at_the_instant_at_which_it_fell_due() -> None:
    later = [fact(10 + n, "b", n * 1440, fact="joined") for n in range(30)]
    view = ledger_of([fact(1, "a", 0, fact="joined"), *later], LAPSE)
    assert view.loss("a") == Loss("a", at(20 * 1440), "lapsed")
