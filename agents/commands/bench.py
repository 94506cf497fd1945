"""`netgrowth bench`: the benchmarks of the source tree, which are no part of the installed package."""

import importlib
import sys

import click

from agents.commands.environment import WrongInput
from agents.own_names import HOME


@click.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
def missing(words: tuple[str, ...]) -> None:
    """Measure the worker and its peers; in a source tree of netgrowth."""
    raise WrongInput(
        "the benchmarks lie in the source tree, which this installation is not: get the sources, and there run "
        "`pip install -e '.[bench]'` and `netgrowth bench` (docs/benchmarks.md)"
    )


def _found() -> click.Command:
    if not (HOME / "benchmarks" / "command.py").is_file():
        return missing
    # An editable installation knows only the packages that are installed; benchmarks and tests lie beside them.
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    command = importlib.import_module("benchmarks.command").command
    assert isinstance(command, click.Command)
    return command


command = _found()
