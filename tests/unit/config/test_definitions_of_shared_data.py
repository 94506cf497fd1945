"""The shipped definitions over the real data sets: the README's figures, from the facts and from their fold."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import orjson
import pytest

from config.definitions_file import load
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.models import RawRecord
from streams.ledger.partition import PartitionLedger

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.shared


def admitted(dataset: str, file: str) -> AdmittedBatch:
    path = ROOT.parent / "shared" / "data" / dataset / f"{file}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        records = [RawRecord(orjson.dumps(row)) for row in csv.DictReader(rows)]
    batch = Admission(load(ROOT / "config" / "definitions" / f"{dataset}.yaml")).admit(records)
    assert [letter.detail for letter in batch.dead_letters] == []
    assert batch.unmapped == 0
    return batch


def folded(dataset: str, batch: AdmittedBatch) -> tuple[dict[str, tuple[int, int]], Counter[str]]:
    """Movements and their value by kind, and ignored facts by reason."""
    ledger = PartitionLedger(load(ROOT / "config" / "definitions" / f"{dataset}.yaml").ledger_rules())
    ledger.apply(batch.facts)
    ledger.advance(max(fact.at for fact in batch.facts))
    count: Counter[str] = Counter()
    value: Counter[str] = Counter()
    for change in ledger.changes:
        count[change.movement.kind] += change.sign
        value[change.movement.kind] += change.sign * change.movement.value
    return {kind: (count[kind], value[kind]) for kind in count}, ledger.counts.ignored


def test_telco_churn_gives_the_figures_of_its_readme() -> None:
    batch = admitted("telco-churn", "customers")
    movements, ignored = folded("telco-churn", batch)
    assert movements == {
        "opening": (3_262 + 1_327, 20_293_899_00),
        "new": (325, 1_326_316_00),
        "lost": (1_327, 5_519_294_00),
        "recommended": (2_234, 0),
    }
    assert ignored == Counter()
    assert sum(fact.count for fact in batch.facts if fact.kind == "recommended") == 9_599
    brought = Counter(fact.activity for fact in batch.facts if fact.kind in ("opening", "joined"))
    assert brought == {"Offer E": 579, "Offer B": 569, "Offer D": 433, "Offer A": 361, "Offer C": 286, None: 2_686}
    reasons = Counter(fact.reason for fact in batch.facts if fact.kind == "left")
    assert reasons.most_common(5) == [
        ("Competitor made better offer", 226),
        ("Competitor had better devices", 215),
        ("Attitude of support person", 156),
        ("Competitor offered more data", 88),
        ("Don't know", 82),
    ]
    assert "unknown" not in reasons
    assert Counter(fact.loss_kind for fact in batch.facts if fact.kind == "left") == {
        "voluntary": 1_296,
        "beyond_us": 31,
    }


def test_online_retail_gives_the_figures_of_its_readme() -> None:
    batch = admitted("online-retail", "purchases")
    assert (batch.records, batch.records_with_facts) == (33_337, 27_190)
    movements, ignored = folded("online-retail", batch)
    assert {kind: figures for kind, figures in movements.items() if kind != "transfer"} == {
        "new": (5_041, 2_090_551_80),
        "returned": (1_020, 1_114_992_08),
        "lost": (3_337, 2_866_129_85),
        "expansion": (19_284, 8_782_370_82),
        "contraction": (1_843, 1_355_090_61),
    }
    assert movements["transfer"][0] == 23
    assert ignored == Counter({"no_change": 2})


def test_olist_gives_its_buyers_and_its_sellers() -> None:
    orders, leads = admitted("olist", "orders"), admitted("olist", "seller_leads")
    assert Counter(fact.kind for fact in orders.facts) == {"purchased": 7_869, "leaving": 542 + 398}
    assert Counter(fact.reason for fact in orders.facts if fact.kind == "leaving") == {
        "goods unavailable": 542,
        "order canceled": 398,
    }
    assert (len(leads.facts), sum(fact.earned for fact in leads.facts)) == (362, 6)
    assert leads.no_fact == {"not won yet": 4_171 - 362}
