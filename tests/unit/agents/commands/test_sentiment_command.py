"""`netgrowth sentiment`: one answer a line, at once."""

import subprocess
import sys
from pathlib import Path

import orjson
from click.testing import CliRunner

from agents.commands.sentiment import command

ROOT = Path(__file__).parents[4]


def test_one_line_in_one_line_out() -> None:
    texts = b"worst ever\nthanks\n\nDanke f\xc3\xbcr nichts\n\xff\xfe\nno newline at the end, great"
    told = CliRunner().invoke(command, [], input=texts)
    assert told.exit_code == 0
    scores = [float(line) for line in told.stdout.splitlines()]
    assert len(scores) == 6
    assert scores[0] < -0.05 < scores[2] == scores[3] == 0 < 0.05 < scores[1]
    assert scores[5] > 0.05


def test_json_says_which_words() -> None:
    told = CliRunner().invoke(command, ["--json"], input="two hours on hold, not helpful\nDanke für nichts\n")
    first, second = (orjson.loads(line) for line in told.stdout.splitlines())
    assert first["label"] == "unhappy"
    assert first["words"][0] == {"word": "hours on hold", "weight": -2.6}
    assert {word["word"] for word in first["words"]} >= {"not helpful"}
    assert (second["label"], second["language"], second["read"], second["words"]) == ("unread", "de", False, [])


def test_answers_before_the_next_line_is_read() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "agents.commands.main", "sentiment"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in (b"great\n", b"awful\n", b"great\n"):
            process.stdin.write(text)
            process.stdin.flush()
            score = float(process.stdout.readline())
            assert (score > 0.05) == (text == b"great\n")
        process.stdin.close()
    assert process.returncode == 0
