"""The command line as a whole: its name, its help, and output that cannot be written."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agents.commands.main import COMMANDS, main

COMMAND = [sys.executable, "-m", "agents.commands.main"]
FULL = Path("/dev/full")


def commands() -> Iterator[tuple[str, click.Command]]:
    yield "netgrowth", main
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


def test_every_help_has_an_example() -> None:
    without = [
        name for name, command in commands()
        if "netgrowth " not in (command.help or "") + (command.epilog or "")
        or "xample" not in (command.help or "") + (command.epilog or "")
    ]  # fmt: skip
    assert without == []


def test_usage_names_the_program_however_it_was_started() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: netgrowth ")


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full is there on Linux only")
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["definitions", "check", "config/definitions/native.yaml", "--json"],
        ["replay", "online-retail", "--print", "customer-events"],
    ],
)
def test_output_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run([*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"
