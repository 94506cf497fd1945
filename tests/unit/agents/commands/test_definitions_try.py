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


def test_rows_that_are_none_are_named_and_lose_no_neighbours(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1\n2,x\n\n3,y,z\n")
    result = CliRunner().invoke(command, ["try", "native", "--sample", str(tmp_path / "rows.csv")])
    assert result.exit_code == 0
    assert result.stdout.startswith("1 record\n")
    faults = "line 2: it has 1 cell where the header has 2\n", "line 5: it has 3 cells where the header has 2\n"
    assert result.stderr == "".join(faults)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "holds no records"),
        (b"a,b\n1\n", "no row of"),
        (b"id,id\n1,2\n", "names a column twice: id"),
        ("größe;b\n1;2\n".encode("latin-1"), "its first line is no UTF-8; convert the file"),
        ("a;b\n1;größe\n".encode("latin-1"), "line 2: it is no UTF-8; convert the file"),
        (b'a,b\n1,"' + b"x" * 200_000, "close every quotation mark"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_how_to_mend(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "rows.csv").write_bytes(data)
    result = CliRunner().invoke(command, ["try", "native", "--sample", str(tmp_path / "rows.csv")])
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_topic_that_the_definitions_do_not_name_is_told_of(tmp_path: Path) -> None:
    own = """
name: own
version: "1"
currency: EUR
time_zone: UTC
value_model: {version: "1", field: fee}
silos:
  billing:
    own_topics: [invoices]
    customer_id: account
    event_id: id
    rules: [{name: first, facts: [{fact: joined, at: day, value: model}]}]
"""
    (tmp_path / "own.yaml").write_text(own)
    (tmp_path / "rows.jsonl").write_text('{"account": "a", "id": "1", "day": "2020-01-01T00:00:00Z", "fee": "3"}\n')
    words = ["try", str(tmp_path / "own.yaml"), "--sample", str(tmp_path / "rows.jsonl"), "--topic"]
    assert CliRunner().invoke(command, [*words, "invoices"]).stderr == ""
    told = CliRunner().invoke(command, [*words, "invoice"]).stderr
    assert "no silo of own has invoice in its own_topics (invoices): a worker does not read it" in told
