import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.commands.definitions import command


@pytest.fixture
def rows(tmp_path: Path) -> str:
    found = [{"account_id": f"a{n % 9}", "event": "paid", "at": f"2024-05-0{1 + n % 9}T10:00:00Z"} for n in range(50)]
    lines = [json.dumps(row) for row in found]
    (tmp_path / "Invoices v2.jsonl").write_text("\n".join([*lines, "not json"]) + "\n")
    return str(tmp_path / "Invoices v2.jsonl")


def test_the_draft_goes_to_stdout_and_what_was_not_read_to_stderr(rows: str) -> None:
    result = CliRunner().invoke(command, ["init", "--sample", rows])
    assert result.exit_code == 0
    assert "name: invoices-v2\n" in result.stdout
    assert "customer_id: account_id     # 9 different ones in 50 records" in result.stdout
    assert "1 record of 51 could not be read" in result.stderr


def test_a_file_that_is_there_is_kept(rows: str, tmp_path: Path) -> None:
    out = str(tmp_path / "draft.yaml")
    first = CliRunner().invoke(command, ["init", "--sample", rows, "--out", out, "--name", "shop"])
    assert first.exit_code == 0
    assert "places to decide" in first.stderr
    assert "name: shop\n" in Path(out).read_text()
    again = CliRunner().invoke(command, ["init", "--sample", rows, "--out", out])
    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_records_of_which_none_is_an_object_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("1\n2\n")
    result = CliRunner().invoke(command, ["init", "--sample", str(tmp_path / "x.jsonl")])
    assert result.exit_code == 2
    assert "none of 2 records of x.jsonl is a JSON object" in result.stderr


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_whatever_parts_its_cells(tmp_path: Path, delimiter: str) -> None:
    rows = [["customer_no", "date", "kind"], *([f"c{n % 30}", f"2025-03-0{n % 9 + 1}", "new"] for n in range(60))]
    (tmp_path / "rows.csv").write_text("".join(delimiter.join(row) + "\n" for row in rows))
    result = CliRunner().invoke(command, ["init", "--sample", str(tmp_path / "rows.csv")])
    assert result.exit_code == 0
    assert "customer_id: customer_no     # 30 different ones in 60 records" in result.stdout
    assert "at: date     #" in result.stdout


def test_a_sample_of_a_sorted_file_shows_all_of_it(tmp_path: Path) -> None:
    lines = [json.dumps({"series_id": f"s{n // 100}", "at": f"2024-05-01T10:{n % 60:02d}:00Z"}) for n in range(3000)]
    (tmp_path / "sorted.jsonl").write_text("\n".join(lines))
    words = ["init", "--sample", str(tmp_path / "sorted.jsonl"), "--records", "200"]
    result = CliRunner().invoke(command, words)
    assert "customer_id: series_id     # 30 different ones in 200 records" in result.stdout
    assert CliRunner().invoke(command, words).stdout == result.stdout
