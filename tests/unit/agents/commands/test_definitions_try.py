import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.commands.definitions import command

ROWS = (
    "customer_id,at,kind,country,lines,units,value_gbp\n"
    "c1,2010-01-01T10:00:00,purchase,France,1,1,5.00\n"
    "c1,2010-01-02T10:00:00,return_or_cancellation,France,1,1,5.00\n"
    "c2,never,purchase,France,1,1,5.00\n"
)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_rows_of_a_table_are_tried(tmp_path: Path, name: str) -> None:
    data = ROWS.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    result = CliRunner().invoke(command, ["try", "online-retail", "--sample", str(tmp_path / name)])
    assert result.exit_code == 0, result.output
    assert "1 record: purchase\n    becomes purchased\n" in result.stdout
    assert "return or cancellation\n    dropped: no fact" in result.stdout
    assert "1 record: rejected, bad_time" in result.stdout


def test_json_is_one_object_and_last_is_kept_to(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"fact": "joined", "at": n, "event_id": str(n), "customer_id": "c"}) + "\n" for n in range(9)
    )
    (tmp_path / "facts.jsonl").write_text(lines)
    result = CliRunner().invoke(
        command, ["try", "native", "--sample", str(tmp_path / "facts.jsonl"), "--last", "4", "--json"]
    )
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["records"] == 4
    assert found["kinds"][0]["ignored"] == {"already_active": 3}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["native"], "name a topic with --topic, or a file with --sample"),
        (["native", "--sample", "nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (["nothing.yaml", "--sample", "nowhere.jsonl"], "nothing.yaml"),
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(command, ["try", *arguments])
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_row_with_cells_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1\n")
    result = CliRunner().invoke(command, ["try", "native", "--sample", str(tmp_path / "rows.csv")])
    assert result.exit_code == 2
    assert "line 2 has 1 cells, the header 2" in result.stderr
