"""`netgrowth detect`: one answer a line, at once, whatever the line."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from agents.commands.detect import command

START = datetime(2026, 3, 1)  # noqa: DTZ001  # as the lines are written: without a zone


def lines(values: list[float], seconds: int = 300, start: datetime = START) -> list[str]:
    return [f"{start + timedelta(seconds=seconds * slot)},{value:g}" for slot, value in enumerate(values)]


def answers(given: list[str], *options: str) -> list[str]:
    done = CliRunner().invoke(command, [*options], input="".join(line + "\n" for line in given))
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


BUSY = [10.0 + slot % 5 for slot in range(100)]


def test_each_line_gets_a_score_and_a_surge_passes_the_line() -> None:
    scores = [float(answer) for answer in answers(lines([*BUSY, 300.0]), "--interval", "300")]
    assert len(scores) == 101
    assert all(0.0 <= score < 0.5 for score in scores[:-1])
    assert scores[-1] >= 0.5


def test_the_interval_shows_itself_in_the_first_lines() -> None:
    scores = [float(answer) for answer in answers(lines([*BUSY, 300.0], seconds=60))]
    assert len(scores) == 101
    assert scores[:60] == [0.0] * 60
    assert scores[-1] >= 0.5


def test_what_cannot_be_read_is_answered_with_0_and_counted() -> None:
    good = lines(BUSY)
    bad = ["timestamp,value", "", "no comma", "2026-03-01 25:00:00,3", "2026-03-01 00:00:00,many", "\x00,nan"]
    done = CliRunner().invoke(command, ["--interval", "300"], input="\n".join([*bad, *good]) + "\n")
    assert done.exit_code == 0
    scores = done.stdout.splitlines()
    assert len(scores) == len(bad) + len(good)
    assert [float(score) for score in scores[: len(bad)]] == [0.0] * len(bad)
    assert "6 lines are no timestamp,value" in done.stderr
    assert scores[len(bad) :] == answers(good, "--interval", "300")


def test_a_zone_is_heeded_and_a_repeated_slot_is_not_judged_again() -> None:
    zoned = [line.replace(" ", "T").replace(",", "+00:00,") for line in lines(BUSY)]
    assert answers(zoned, "--interval", "300") == answers(lines(BUSY), "--interval", "300")
    given = "2026-03-01T00:00:00Z,1\n2026-03-01T00:00:10Z,900\n"
    done = CliRunner().invoke(command, ["--interval", "300"], input=given)
    assert done.stdout.splitlines() == ["0.000000", "0.000000"]
    assert "1 lines lie in a slot that was judged before" in done.stderr


def test_json_says_what_was_expected_and_leaves_out_what_does_not_apply() -> None:
    found = [json.loads(answer) for answer in answers([*lines([*BUSY, 300.0]), "?"], "--interval", "300", "--json")]
    assert found[0] == {
        "at": "2026-03-01T00:00:00Z", "value": 10.0, "score": 0.0, "state": "warming", "warming_seconds": 3600,
    }  # fmt: skip
    assert found[-1] == {"score": 0.0}
    surge = found[-2]
    assert surge["state"] == "surge"
    assert surge["direction"] == "up"
    assert surge["low"] < surge["expected"] < surge["high"] < surge["value"]
    assert surge["expected"] == pytest.approx(12.0, rel=0.2)


def test_a_line_is_answered_before_the_next_is_read() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agents.commands.main", "detect", "--interval", "300"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for line in lines(BUSY[:5]):
            process.stdin.write(line + "\n")
            assert process.stdout.readline() == "0.000000\n"
        process.stdin.close()
    assert process.returncode == 0


def test_a_wrong_interval_is_wrong_usage() -> None:
    done = CliRunner().invoke(command, ["--interval", "0"])
    assert done.exit_code == 2
    assert CliRunner().invoke(command, ["--interval", "99999999"], input="").exit_code == 2
