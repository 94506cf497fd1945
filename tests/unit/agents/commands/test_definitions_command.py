import json
from pathlib import Path

from click.testing import CliRunner

from agents.commands.definitions import command

NATIVE = Path(__file__).parents[4] / "config" / "definitions" / "native.yaml"


def test_a_sound_file_is_summed_up() -> None:
    result = CliRunner().invoke(command, ["check", str(NATIVE)])
    assert result.exit_code == 0
    assert result.stdout.startswith("native 1; value model 1; not agreed yet; ")


def test_who_agreed_is_told_and_nothing_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "agreed.yaml"
    path.write_text(f"{NATIVE.read_text()}\nagreed: {{by: the board, at: 2024-02-01}}\n")
    result = CliRunner().invoke(command, ["check", str(path)])
    assert result.exit_code == 0
    assert "agreed by the board, 2024-02-01" in result.stdout
    assert result.stderr == ""


def test_it_warns_on_stderr_while_nobody_agreed() -> None:
    result = CliRunner().invoke(command, ["check", str(NATIVE)])
    assert result.exit_code == 0
    assert "nobody has agreed" in result.stderr
    assert "not agreed yet" in result.stdout


def test_each_fault_is_a_line_with_its_place_and_mend(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(NATIVE.read_text().replace("EUR ", "eur ").replace("36h", "36"))
    result = CliRunner().invoke(command, ["check", str(path)])
    assert result.exit_code == 1
    assert [line.split(": ")[:2] for line in result.stdout.splitlines()] == [
        [f"{path}:8:11", "currency"],
        [f"{path}:11:10", "horizon"],
    ]
    as_json = CliRunner().invoke(command, ["check", "--json", str(path)])
    assert as_json.exit_code == 1
    assert [fault["line"] for fault in json.loads(as_json.stdout)["faults"]] == [8, 11]


def test_a_file_that_is_not_there_is_another_exit_status(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["check", str(tmp_path / "none.yaml")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "none.yaml" in result.stderr
