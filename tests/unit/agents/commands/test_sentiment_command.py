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


AGREED = """
name: t
version: "1"
currency: EUR
time_zone: UTC
value_model: {version: "1", field: {minor_units: value}}
voice: {valences: {quiet: 3}}
"""


def test_words_of_the_definitions_count(tmp_path: Path) -> None:
    definitions = tmp_path / "ours.yaml"
    definitions.write_text(AGREED)
    told = CliRunner().invoke(command, ["--definitions", str(definitions)], input="a quiet room\n")
    assert float(told.stdout) > 0.05


def test_a_fitted_model_lies_beside_the_definitions_and_serves(tmp_path: Path) -> None:
    definitions, labelled = tmp_path / "ours.yaml", tmp_path / "labelled.tsv"
    definitions.write_text(AGREED)
    lines = [
        f"the {word} came {n}\t{label}\n" for n in range(40) for word, label in (("blorb", "happy"), ("snarf", "-1"))
    ]
    labelled.write_text("".join(lines) + "no label here\n")
    named = ["--definitions", str(definitions)]
    told = CliRunner().invoke(command, ["fit", str(labelled), *named])
    assert told.exit_code == 0, told.output
    assert "line 81: no text with a label" in told.output
    assert (tmp_path / "ours.sentiment.npz").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labelled.tsv", "ours.sentiment.npz", "ours.yaml"]
    scored = CliRunner().invoke(command, named, input="a snarf\na blorb\n")
    first, second = (float(line) for line in scored.stdout.splitlines())
    assert first < -0.05 < 0.05 < second
    shipped = CliRunner().invoke(command, [*named, "--shipped"], input="a snarf\n")
    assert float(shipped.stdout) == 0
    (tmp_path / "ours.sentiment.npz").write_bytes(b"PK nonsense")
    broken = CliRunner().invoke(command, named, input="a snarf\n")
    assert broken.exit_code == 2
    assert "fit it anew" in broken.output


def test_too_few_labels_are_refused(tmp_path: Path) -> None:
    labelled = tmp_path / "few.csv"
    labelled.write_text("fine,happy\n" * 60)
    told = CliRunner().invoke(command, ["fit", str(labelled)])
    assert told.exit_code == 2
    assert "of 1 classes" in told.output
    assert CliRunner().invoke(command, ["fit", str(tmp_path / "absent")]).exit_code == 2
