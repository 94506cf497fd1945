"""Three silos with overlapping ids and rules of their own: every difference is explained, and by its true cause."""

from collections import Counter
from typing import Any

import pytest

from streams.report.silos import silo_lines
from streams.silos.recount import SiloRecount
from tests.unit.streams.silos.three_silos import SILOS, company, definitions


def explained(records: list[Any], partitions: int = 1) -> dict[str, Any]:
    recount = SiloRecount(definitions(), partitions=partitions)
    for start in range(0, len(records), 37):
        recount.add(records[start : start + 37])
    return recount.explained(recount.finish())


@pytest.mark.parametrize(("seed", "partitions"), [(1, 1), (2, 1), (3, 4)])
def test_the_company_is_the_truth_and_each_difference_goes_to_its_cause(seed: int, partitions: int) -> None:
    records, truth = company(300, seed)
    found = explained(records, partitions)
    assert found["company"]["closing"] == {"customers": truth.company, "value": 900 * truth.company}
    assert found["equal"]
    assert [silo["silo"] for silo in found["silos"]] == sorted(SILOS)
    for silo in found["silos"]:
        name = silo["silo"]
        assert silo["own"]["closing"]["customers"] == truth.own[name], name
        causes = Counter({
            (cause["cause"], cause.get("detail")): cause["closing"]["customers"] for cause in silo["causes"]
        })
        assert {cause: n for cause, n in causes.items() if n} == {c: n for c, n in truth.causes[name].items() if n}
        assert silo["own"]["closing"]["customers"] + sum(causes.values()) == truth.company
        assert silo["rejected_records"]["no_rate"] > 0


def test_a_record_that_cannot_be_read_is_of_no_silo() -> None:
    records, _ = company(5, 1)
    records[0].value = b"{"
    found = explained(records)
    assert found["rejected_records_of_no_silo"] == {"not_json": 1}
    assert any("not_json" in line for line in silo_lines(found))


def test_tables_that_do_not_agree_leave_a_remainder() -> None:
    records, _ = company(20, 4)
    recount = SiloRecount(definitions())
    recount.add(records)
    ledger = recount.finish()
    ledger["total"]["closing"]["customers"] += 1
    found = recount.explained(ledger)
    assert not found["equal"]
    assert {silo["remainder"]["closing"]["customers"] for silo in found["silos"]} == {1}
