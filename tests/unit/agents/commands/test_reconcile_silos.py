"""`netgrowth reconcile --silos`: from a file alone, as text, JSON and exit status."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.commands.reconcile import command
from agents.commands.report import command as report
from config.definitions_file import DefinitionsError, parse
from tests.unit.streams.silos.three_silos import DEFINITIONS, company


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    records, _ = company(40, 1)
    facts, definitions = tmp_path / "facts.jsonl", tmp_path / "three.yaml"
    facts.write_bytes(b"".join((record.value or b"") + b"\n" for record in records))
    definitions.write_text(DEFINITIONS)
    return ["--facts", str(facts), "--definitions", str(definitions)]


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["--silos", *words])


def test_it_is_the_same_as_text_as_json_and_in_the_report_card(files: list[str]) -> None:
    result = run(*files, "--json")
    assert result.exit_code == 0, result.output
    found = orjson.loads(result.stdout)
    card = orjson.loads(CliRunner().invoke(report, [*files, "--json"]).stdout)
    assert card["silos"] == found["silos"]
    text = run(*files).stdout
    assert "Every difference is explained to zero." in text
    assert "other rule (lapse)" in text
    assert "app: " in CliRunner().invoke(report, files).stdout


def test_until_ends_the_clock_for_all(files: list[str]) -> None:
    found = orjson.loads(run(*files, "--json", "--until", "2024-01-10T00:00:00Z").stdout)
    assert found["equal"]
    assert 0 < found["company"]["gained"]["customers"] < 30
    assert not found["company"]["lost"]["customers"]


def test_a_worker_is_not_asked(files: list[str]) -> None:
    result = run(*files, "--url", "http://127.0.0.1:1")
    assert (result.exit_code, "leave --url" in result.output) == (2, True)


def test_a_fault_in_an_own_count_is_named_by_its_place() -> None:
    with pytest.raises(DefinitionsError) as raised:
        parse(DEFINITIONS.replace("leaving: at_once}", "leaving: soon}"))
    (fault,) = raised.value.faults
    assert fault.path == "silos.crm.own_count.leaving"
    assert "at_once" in fault.message + fault.mend
