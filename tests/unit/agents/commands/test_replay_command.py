import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from yaml import safe_load

from agents.commands.replay import command
from agents.replay.datasets import DATASETS

HEADER = "customer_id,at,kind,country,lines,units,value_gbp\n"
READ_BY = {
    "field", "customer_id", "event_id", "amount", "segment", "product", "activity", "reason", "effective_at", "map",
    "count", "value",
}  # fmt: skip


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    rows = "".join(f"c_{n % 50},2024-01-01T00:00:00,purchase,UK,1,1,{n}\n" for n in range(50_000))
    (tmp_path / "purchases.csv").write_text(HEADER + rows, encoding="utf-8")
    return tmp_path


def test_print_writes_one_json_object_a_line_and_nothing_else(purchases: Path) -> None:
    result = CliRunner().invoke(
        command, ["online-retail", "--data", str(purchases), "--print", "customer-events", "--speed", "1"]
    )
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout_bytes.splitlines()
    assert len(lines) == 50_000
    assert orjson.loads(lines[-1]) == {
        "customer_id": "c_49", "at": "2024-01-01T00:00:00", "kind": "purchase", "country": "UK", "lines": "1",
        "units": "1", "value_gbp": "49999",
    }  # fmt: skip


def test_a_reader_that_has_enough_ends_it_without_a_word(purchases: Path) -> None:
    words = [sys.executable, "-m", "agents.commands.main", "replay", "online-retail", "--data", str(purchases)]
    with subprocess.Popen(
        [*words, "--print", "customer-events"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"customer_id":"c_0"')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_bad_rows_are_told_on_stderr_and_do_not_change_the_status(tmp_path: Path) -> None:
    (tmp_path / "purchases.csv").write_text(HEADER + "c_1\nc_2,2024-01-01,purchase,UK,1,1,5\n", encoding="utf-8")
    result = CliRunner().invoke(command, ["online-retail", "--data", str(tmp_path), "--print", "customer-events"])
    assert result.exit_code == 0
    assert result.stdout.startswith('{"customer_id":"c_2","at":"2024-01-01",')
    assert result.stderr == "1 row is left out, first: purchases.csv, line 2: 1 cells where the header has 7\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["online-retail", "--print", "nonsense"], "it has customer-events", id="unknown_topic"),
        pytest.param(["online-retail", "--data", "nowhere"], "there is no folder nowhere", id="no_folder"),
        pytest.param(["online-retail", "--speed", "fast"], "number above 0", id="no_speed"),
        pytest.param(["nothing"], "online-retail", id="unknown_data_set"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wanted(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_columns_that_a_file_lacks_are_named(tmp_path: Path) -> None:
    (tmp_path / "purchases.csv").write_text("customer_id,at,lines,units,value_gbp\n", encoding="utf-8")
    result = CliRunner().invoke(command, ["online-retail", "--data", str(tmp_path), "--print", "customer-events"])
    assert result.exit_code == 2
    assert "purchases.csv has no column kind, country; it has customer_id, at" in result.stderr


def test_every_column_that_the_definitions_read_must_be_there() -> None:
    for name in ("telco-churn", "online-retail", "olist"):
        feeds = DATASETS[name].feeds
        needed = {column for feed in feeds for column in feed.columns}
        needed |= {"due", "due_at"} if any(feed.deadline is not None for feed in feeds) else set()
        read = fields_read(safe_load(Path(f"config/definitions/{name}.yaml").read_text(encoding="utf-8")))
        assert read, name
        assert read <= needed, (name, read - needed)


def fields_read(part: object) -> set[str]:
    """Fields of a record that a part of a definitions file names in the usual places."""
    if isinstance(part, list):
        return {field for each in part for field in fields_read(each)}
    if not isinstance(part, dict):
        return set()
    found: set[str] = set()
    for name, value in part.items():
        if isinstance(value, str) and name in READ_BY and value != "model":
            found.add(value)
        elif name in ("hash", "plus"):
            found.update(value)
        else:
            found |= fields_read(value)
    return found
