"""Over real data, the list of customers behind a number is as long as the number says: a thousand cells at random."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.definitions_file import load
from streams.facts.models import RawRecord
from streams.ledger.movements import Change
from streams.recount import Recount
from tests.opened_numbers import open_at_random, written

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("dataset", "cells", "some"),
    [
        ("online-retail", 600, {"new", "returned", "lost", "closing", "stayed", "brought"}),
        ("telco-churn", 400, {"gained", "lost", "closing", "stayed", "recommenders"}),
    ],
)
def test_the_list_is_as_long_as_the_number_says(data: Path, dataset: str, cells: int, some: set[str]) -> None:
    records = subprocess.run(
        [sys.executable, "-m", "agents.commands.main", "replay", dataset, "--data", str(data / dataset), "--print",
         "customer-events"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE,
    ).stdout.splitlines()  # fmt: skip
    changes: list[Change] = []
    recount = Recount(load(Path(f"config/definitions/{dataset}.yaml")), on_change=changes.append, by="hour")
    recount.add([RawRecord(value, offset=offset) for offset, value in enumerate(records)])
    recount.finish()
    clock = recount.clock()
    assert clock is not None
    opened = open_at_random(recount.tables, clock, written(changes), recount._ledgers, cells, seed=9)
    assert some <= {measure for measure, times in opened.items() if times}, opened
