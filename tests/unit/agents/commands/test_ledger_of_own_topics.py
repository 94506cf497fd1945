"""`netgrowth ledger --own TOPIC=FILE`: own topics are counted without Kafka as intake would have written them."""

from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from agents.commands.main import main

DEFINITIONS = """
name: own
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
value_model: {version: "1", field: fee}
silos:
  billing:
    own_topics: [invoices]
    customer_id: account
    event_id: id
    every_fact: {at: at}
    rules: [{name: begin, facts: [{fact: joined, value: model}]}]
  crm:
    own_topics: [accounts]
    customer_id: id
    event_id: {hash: [id, at]}
    every_fact: {at: at}
    rules: [{name: gone, facts: [{fact: left}]}]
"""


def run(folder: Path, *words: str) -> Result:
    (folder / "own.yaml").write_text(DEFINITIONS)
    return CliRunner().invoke(main, ["ledger", "--definitions", str(folder / "own.yaml"), "--json", *words])


def write(path: Path, *documents: dict[str, Any]) -> str:
    path.write_bytes(b"".join(orjson.dumps(document) + b"\n" for document in documents))
    return str(path)


def test_each_file_is_read_in_the_words_of_its_topic(tmp_path: Path) -> None:
    invoices = write(
        tmp_path / "invoices.jsonl",
        {"account": "a", "id": "1", "at": "2024-05-01T00:00:00Z", "fee": "2"},
        {"account": "b", "id": "2", "at": "2024-05-01T00:00:00Z", "fee": "3"},
    )
    accounts = write(tmp_path / "accounts.jsonl", {"id": "b", "at": "2024-05-01T01:00:00Z"})
    done = run(tmp_path, "--own", f"accounts={accounts}", "--own", f"invoices={invoices}")
    assert done.exit_code == 0, done.output
    total = orjson.loads(done.stdout)["total"]
    assert (total["new"], total["lost"]) == ({"customers": 2, "value": 500}, {"customers": 1, "value": 300})


def test_what_is_wrong_with_the_options_is_said(tmp_path: Path) -> None:
    assert "name a file with --facts, or with --own TOPIC=FILE" in run(tmp_path).stderr
    unknown = run(tmp_path, "--own", "nothing=x.jsonl")
    assert unknown.exit_code == 2
    assert "--own nothing: the definitions name no such topic" in unknown.stderr
    assert "they name accounts, invoices" in unknown.stderr
    assert "is not TOPIC=FILE" in run(tmp_path, "--own", "x.jsonl").stderr


def test_each_silo_is_explained_from_the_files_of_its_topics(tmp_path: Path) -> None:
    invoices = write(tmp_path / "i.jsonl", {"account": "a", "id": "1", "at": "2024-05-01T00:00:00Z", "fee": "2"})
    accounts = write(tmp_path / "a.jsonl", {"id": "a", "at": "2024-05-01T01:00:00Z"})
    (tmp_path / "own.yaml").write_text(DEFINITIONS)
    words = ["reconcile", "--definitions", str(tmp_path / "own.yaml")]
    files = ["--own", f"invoices={invoices}", "--own", f"accounts={accounts}"]
    done = CliRunner().invoke(main, [*words, *files, "--silos", "--json"])
    assert done.exit_code == 0, done.output
    found = orjson.loads(done.stdout)
    assert [silo["silo"] for silo in found["silos"]] == ["billing", "crm"]
    assert found["company"]["lost"]["customers"] == 1
    assert found["equal"]
    assert "--own goes with --silos" in CliRunner().invoke(main, [*words, *files]).stderr


def test_a_link_dated_after_the_end_is_left_out(tmp_path: Path) -> None:
    facts = write(
        tmp_path / "facts.jsonl",
        {"event_id": "1", "at": "2024-05-01T00:00:00Z", "customer_id": "a", "silo": "x", "fact": "joined"},
        {"event_id": "2", "at": "2024-05-01T01:00:00Z", "customer_id": "b", "silo": "y", "fact": "joined"},
        {"event_id": "3", "at": "2024-05-02T00:00:00Z", "fact": "same_customer", "silo": "y", "silo_id": "b",
         "customer_id": "a"},
    )  # fmt: skip
    for until, joined, links in (("2024-05-01T12:00:00Z", 2, {}), ("2024-05-03T00:00:00Z", 1, {"same_customer": 1})):
        done = run(tmp_path, "--facts", facts, "--until", until, "--partitions", "4")
        ledger = orjson.loads(done.stdout)
        assert (ledger["total"]["new"]["customers"], ledger["accounting"]["no_fact"]) == (joined, links)
        assert ledger["accounting"]["records"] == 2 + len(links)


def test_a_sample_is_tried_as_records_of_its_topic(tmp_path: Path) -> None:
    sample = write(tmp_path / "a.jsonl", {"id": "a", "at": "2024-05-01T01:00:00Z"})
    (tmp_path / "own.yaml").write_text(DEFINITIONS)
    words = ["definitions", "try", str(tmp_path / "own.yaml"), "--sample", sample, "--json"]
    of_topic = orjson.loads(CliRunner().invoke(main, [*words, "--topic", "accounts"]).stdout)
    assert [(kind["rule"], kind["becomes"]) for kind in of_topic["kinds"]] == [("gone", ["left"])]
    # A file says of no topic; the first silo that takes a record has it then.
    of_none = orjson.loads(CliRunner().invoke(main, words).stdout)
    assert of_none["rejected"][0]["reason"] == "missing_field"
