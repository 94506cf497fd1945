"""The real data through the command line, as an operator would count them: the reference figures, to the cent."""

import csv
import gzip
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agents.commands.main")


def counted(data: Path, dataset: str, *options: str) -> dict:
    """`netgrowth replay DATASET --print customer-events | netgrowth ledger --facts - --json`."""
    definitions = f"config/definitions/{dataset}.yaml"
    with subprocess.Popen(
        [*COMMAND, "replay", dataset, "--data", str(data / dataset), "--print", "customer-events"],
        cwd=ROOT, stdout=subprocess.PIPE,
    ) as replay:
        done = subprocess.run(
            [*COMMAND, "ledger", "--definitions", definitions, "--facts", "-", "--json", *options],
            cwd=ROOT, stdin=replay.stdout, capture_output=True, check=False, timeout=100,
        )
    assert replay.returncode == 0
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def amount(customers: int, value: int) -> dict[str, int]:
    return {"customers": customers, "value": value}


def sums_up(accounting: dict) -> bool:
    """Invariant 4, for what can be seen from outside."""
    return accounting["facts"] == (
        accounting["applied"] + sum(accounting["ignored"].values()) + accounting["pending"]
    )


@pytest.fixture(scope="module")
def telco(data: Path) -> dict:
    return counted(data, "telco-churn")


@pytest.fixture(scope="module")
def retail(data: Path) -> dict:
    return counted(data, "online-retail", "--by", "month")


def test_telco_customers_and_value_both_ways(telco: dict) -> None:
    total = telco["total"]
    assert total["opening"]["customers"] == 3_262 + 1_327
    assert total["new"] == amount(325, 1_326_316_00)
    assert total["returned"] == amount(0, 0)
    assert total["lost"] == amount(1_327, 5_519_294_00)
    assert total["net"] == amount(-1_002, -4_192_978_00)
    assert total["stayed"]["customers"] == 3_262
    assert total["stayed_of"] == total["opening"]
    assert total["closing"]["customers"] == 3_262 + 325
    assert total["early_loss"] == amount(0, 0)
    assert total["pending_loss"] == amount(0, 0)
    assert total["reasons_unusable"] == amount(0, 0)
    assert telco["currency"] == "USD"


def test_telco_reasons_by_count_and_by_value(telco: dict, data: Path) -> None:
    reasons = telco["total"]["reasons"]
    assert [(reason["reason"], reason["customers"]) for reason in reasons[:5]] == [
        ("Competitor made better offer", 226),
        ("Competitor had better devices", 215),
        ("Attitude of support person", 156),
        ("Competitor offered more data", 88),
        ("Don't know", 82),
    ]
    worth: Counter[str] = Counter()
    with gzip.open(data / "telco-churn" / "customers.csv.gz", "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if row["customer_status"] == "Churned":
                worth[row["churn_reason"]] += int(row["cltv_usd"]) * 100
    assert {reason["reason"]: reason["value"] for reason in reasons} == worth
    by_value = sorted(reasons, key=lambda reason: -reason["value"])[:5]
    assert [reason["reason"] for reason in by_value] == [name for name, _ in worth.most_common(5)]
    assert {reason["reason"] for reason in by_value} == {reason["reason"] for reason in reasons[:5]}


def test_telco_by_contract(telco: dict) -> None:
    both_ways = {
        name: (row["new"]["customers"], row["lost"]["customers"]) for name, row in telco["segments"].items()
    }
    assert both_ways == {"Month-to-Month": (296, 1_180), "One Year": (15, 120), "Two Year": (14, 27)}


def test_telco_recommendations_and_what_brought_customers(telco: dict) -> None:
    total = telco["total"]
    assert (total["recommenders"], total["referrals"]) == (2_234, 9_599)
    assert {line["activity"]: (line["customers"], line["still_here"]) for line in total["activities"]} == {
        "unknown": (2_686, 1_937),
        "Offer E": (579, 276),
        "Offer B": (569, 502),
        "Offer D": (433, 317),
        "Offer A": (361, 337),
        "Offer C": (286, 218),
    }
    assert telco["accounting"] == {
        "records": 4_914,
        "no_fact": {},
        "unmapped": 0,
        "dead_lettered": {},
        "facts": 8_475,
        "applied": 8_475,
        "ignored": {},
        "pending": 0,
        "beyond_horizon": 0,
        "movements": {"lost": 1_327, "new": 325, "recommended": 2_234},
        "by_clock": 0,
    }
    assert sums_up(telco["accounting"])


def test_retail_month_by_month(retail: dict) -> None:
    rows = {period["start"][:7]: period["total"] for period in retail["periods"]}
    table = {
        month: (
            row["new"]["customers"], row["lost"]["customers"], row["returned"]["customers"], row["net"]["customers"],
            round(row["lost"]["value"] / 100),
        )
        for month, row in rows.items()
        if month >= "2010-09"
    }  # fmt: skip
    assert table == {
        "2010-09": (243, 245, 81, 79, 176_150),
        "2010-10": (377, 203, 125, 299, 130_740),
        "2010-11": (325, 190, 135, 270, 141_040),
        "2010-12": (76, 183, 43, -64, 124_008),
        "2011-01": (71, 168, 41, -56, 159_358),
        "2011-02": (124, 177, 43, -10, 191_226),
        "2011-03": (179, 305, 81, -45, 311_189),
        "2011-04": (106, 462, 101, -255, 424_081),
        "2011-05": (111, 634, 133, -390, 718_673),
        "2011-06": (108, 199, 156, 65, 251_589),
    }
    assert rows["2010-11"]["closing"]["customers"] == 3_479
    assert rows["2011-05"]["closing"]["customers"] == 2_659
    assert min(rows, key=lambda month: rows[month]["net"]["customers"]) == "2011-05"
    starts = [period["start"] for period in retail["periods"]]
    assert starts[0] == "2009-12-01T00:00:00+00:00"
    assert starts[-1] == "2011-06-01T00:00:00+01:00"
    assert [period["end"] for period in retail["periods"][:-1]] == starts[1:]


def test_retail_over_the_whole_file(retail: dict) -> None:
    total = retail["total"]
    assert total["opening"] == amount(0, 0)
    assert total["new"] == amount(5_041, 2_090_551_80)
    assert total["returned"] == amount(1_020, 1_114_992_08)
    assert total["lost"] == amount(3_337, 2_866_129_85)
    assert total["lost_by_kind"]["lapsed"] == total["lost"]
    assert total["expansion"] == 8_782_370_82
    assert total["contraction"] == 1_355_090_61
    assert total["closing"] == amount(2_724, 7_766_694_24)
    assert sum(row["transferred_in"]["customers"] for row in retail["segments"].values()) == 23
    accounting = retail["accounting"]
    assert (accounting["records"], accounting["facts"], accounting["ignored"]) == (33_337, 27_190, {"no_change": 2})
    assert sum(accounting["no_fact"].values()) == 33_337 - 27_190
    assert accounting["movements"] == {
        "new": 5_041,
        "returned": 1_020,
        "lost": 3_337,
        "expansion": 19_284,
        "contraction": 1_843,
        "transfer": 23,
    }
    assert accounting["by_clock"] == 3_337
    assert sums_up(accounting)
    assert retail["until"] == "2011-06-30T19:08:00Z"


def test_a_gross_order_counts_in_the_loss_though_it_was_cancelled(data: Path) -> None:
    july = counted(data, "online-retail", "--by", "month", "--until", "2011-07-31T22:59:59Z")["periods"][-1]
    before = counted(data, "online-retail", "--by", "day", "--until", "2011-07-31T22:59:59Z")["periods"]
    that_day = [day["total"]["lost"]["value"] for day in before if day["start"].startswith("2011-07-17")]
    assert july["start"].startswith("2011-07-01")
    assert that_day[0] >= 77_183_60
    assert july["total"]["lost"]["value"] >= that_day[0]


@pytest.mark.parametrize("dataset", ["telco-churn", "online-retail"])
def test_one_partition_or_four_count_alike(dataset: str, data: Path) -> None:
    assert counted(data, dataset) == counted(data, dataset, "--partitions", "4")
