"""Counting records for the company and for every silo by itself, and explaining what lies between."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from streams.facts.admission import AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, Fact, RawRecord
from streams.facts.placement import partition_for
from streams.ledger.remembered import NEVER
from streams.recount import Recount
from streams.silos.own_count import LINKED, Apart, Beat, FactsAt, Refusals, SiloCount, numbered_letters
from streams.silos.sums import ADDED, MONEY_ALONE, Amount, Count, Sums, difference, plus


class SiloRecount(Recount):
    """A recount that counts every silo by itself beside the company.

    Memory: all movements of every customer are kept, once for the company and once for each silo that knows it.
    """

    def __init__(
        self, definitions: Definitions, *, partitions: int = 1, until: int | None = None,
        now_us: Callable[[], int] | None = None,
    ) -> None:
        self._company = Count()
        self._apart = Apart(definitions.ledger_rules(), partitions)
        super().__init__(
            definitions, partitions=partitions, until=until, now_us=now_us, on_change=self._company.note
        )
        self._watermarks = [NEVER] * partitions
        self._refusals = Refusals(definitions, now_us)
        self._clock_us = now_us
        self._silos: dict[str, SiloCount] = {}
        self._rejected_of_none: Counter[str] = Counter()

    def add(self, records: Sequence[RawRecord]) -> AdmittedBatch:
        """Count the next records, for the company and for each silo."""
        batch = super().add(records)
        before = list(self._watermarks)
        facts, beats = self._facts_of(batch)
        refused: dict[str, FactsAt] = {}
        silo_of: dict[int, str] = {}
        for number, fact in self._refusals.of(batch, records):
            if self._is_in_time(fact):
                silo_of[number] = fact.silo
                refused.setdefault(fact.silo, []).append((number, fact))
        for name in (*self.definitions.silos, *facts, *refused):
            if name not in self._silos:
                self._silos[name] = SiloCount(name, self.definitions, before, self._clock_us)
        for number, letter in numbered_letters(batch, records):
            silo_name = silo_of.get(number)
            of = self._rejected_of_none if silo_name is None else self._silos[silo_name].rejected
            of[letter.reason.value] += 1
        self._apart.apply([one for of_silo in facts.values() for one in of_silo], beats, self._place)
        for name, silo in self._silos.items():
            silo.apply(records, facts.get(name, []), refused.get(name, []), beats, self._place)
        return batch

    def note_refused(self, letters: Iterable[DeadLetter]) -> None:
        """Records that were refused before they came here: they are told by number, and are in no count."""
        for letter in letters:
            silo = self._silos.get(self._refusals.silo_of(letter) or "")
            of = self._rejected_of_none if silo is None else silo.rejected
            of[letter.reason.value] += 1

    def explained(self, ledger: Mapping[str, Any]) -> dict[str, Any]:
        """Every silo's own count, the company's, and the difference by cause; `ledger` is what `finish` gave.

        The company's count is read off the tables, the causes follow from movements: a remainder that is not zero
        says that the two do not agree.
        """
        clock = self.clock() or 0
        company = _of_row(ledger["total"])
        self._apart.advance(clock)
        linked = difference(self._company.sums, self._apart.count.sums)
        silos = []
        for silo in sorted(self._silos.values(), key=lambda silo: silo.name):
            silo.advance(clock)
            causes = [
                {"cause": cause} | ({} if detail is None else {"detail": detail}) | _shown(sums)
                for cause, detail, sums in (*silo.causes(self._apart.count), (LINKED, None, linked))
                if any(amount != (0, 0) for amount in sums.values())
            ]
            own = _shown(silo.own)
            silos.append(
                {
                    "silo": silo.name, "own": own, "causes": causes, "remainder": _remainder(company, [own, *causes]),
                    "rejected_records": dict(sorted(silo.rejected.items())),
                }
            )  # fmt: skip
        return {
            "definitions": ledger["definitions"], "currency": ledger["currency"], "until": ledger["until"],
            "company": company, "silos": silos,
            "rejected_records_of_no_silo": dict(sorted(self._rejected_of_none.items())),
            "equal": remainders_are_zero(silos),
        }  # fmt: skip

    def _facts_of(self, batch: AdmittedBatch) -> tuple[dict[str, FactsAt], list[Beat]]:
        facts: dict[str, FactsAt] = {}
        beats: list[Beat] = []
        watermarks = self._watermarks
        for number, fact in zip(batch.fact_records, batch.facts, strict=True):
            if not self._is_in_time(fact) or not (fact.customer_id or len(watermarks) == 1):
                continue
            place = self._place(fact.customer_id)
            if fact.at > watermarks[place]:
                watermarks[place] = fact.at
                beats.append((number, place, fact.at))
            if fact.customer_id:
                facts.setdefault(fact.silo, []).append((number, fact))
        return facts, beats

    def _is_in_time(self, fact: Fact) -> bool:
        return self.until is None or fact.at <= self.until

    def _place(self, customer_id: str) -> int:
        partitions = len(self._watermarks)
        return 0 if partitions == 1 else partition_for(customer_id.encode(), partitions)


def _of_row(row: dict[str, Any]) -> dict[str, Any]:
    gained = {name: row["new"][name] + row["returned"][name] for name in ("customers", "value")}
    kept = {name: row[name] for name in ("opening", "lost", "expansion", "contraction", "closing")}
    return {"opening": kept.pop("opening"), "gained": gained, **kept}


def _shown(sums: Sums) -> dict[str, Any]:
    """Sums as they are written: amounts, the two that are money alone, and the closing that follows."""
    shown: dict[str, Any] = {}
    closing = (0, 0)
    for measure, sign in ADDED.items():
        amount = sums.get(measure, (0, 0))
        closing = plus(closing, amount, sign)
        shown[measure] = amount[1] if measure in MONEY_ALONE else _amount(amount)
    return shown | {"closing": _amount(closing)}


def _amount(amount: Amount) -> dict[str, int]:
    return {"customers": amount[0], "value": amount[1]}


def _remainder(company: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for measure, whole in company.items():
        if isinstance(whole, int):
            left[measure] = whole - sum(part[measure] for part in parts)
        else:
            left[measure] = {name: n - sum(part[measure][name] for part in parts) for name, n in whole.items()}
    return left


def remainders_are_zero(silos: Sequence[dict[str, Any]]) -> bool:
    """Whether every silo's difference is explained."""
    return not any(number for silo in silos for number in _numbers(silo["remainder"]))


def _numbers(measures: dict[str, Any]) -> Iterator[int]:
    for measure in measures.values():
        yield from (measure,) if isinstance(measure, int) else measure.values()
