"""The command `netgrowth`: each command lives in a module of its own and is imported when it is called."""

import errno
import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click

from agents.own_names import ForeignPackage, check_own_names

COMMANDS = {
    "alerts": "agents.commands.alerts",
    "action": "agents.commands.action",
    "backfill": "agents.commands.backfill",
    "bench": "agents.commands.bench",
    "customers": "agents.commands.customers",
    "dead-letters": "agents.commands.dead_letters",
    "definitions": "agents.commands.definitions",
    "health": "agents.commands.health",
    "detect": "agents.commands.detect",
    "ledger": "agents.commands.ledger",
    "opening": "agents.commands.opening",
    "reconcile": "agents.commands.reconcile",
    "replay": "agents.commands.replay",
    "story": "agents.commands.story",
    "report": "agents.commands.report",
    "run": "agents.commands.run",
    "sentiment": "agents.commands.sentiment",
    "surges": "agents.commands.surges",
    "topics": "agents.commands.topics",
    "voice": "agents.commands.voice",
    "worker": "agents.commands.worker",
}
"""Command name to the module that holds it as `command`."""


NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of writing output: its disk is full, or broken."""


class LazyGroup(click.Group):
    """Lists commands without importing them, so that `--help` and light commands start at once."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run the command line; output that cannot be written is one sentence and exit status 1."""
        more["prog_name"] = more.get("prog_name") or "netgrowth"
        try:
            try:
                return super().main(*args, **more)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if error.filename is not None or error.errno not in NOT_WRITTEN | {errno.EPIPE}:
                raise
            # What is still buffered can never be written; without this Python complains when it ends.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno != errno.EPIPE:
                click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        # Before the command is imported: else a foreign package shows as an ImportError deep inside.
        try:
            check_own_names()
        except ForeignPackage as error:
            raise click.UsageError(str(error)) from error
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        return command


@click.command(
    "netgrowth",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: netgrowth run. It shows a company live; `netgrowth ledger --help` says how to count a file "
    "without Kafka.",
)
@click.version_option(package_name="netgrowth")
def main() -> None:
    """Know, while it happens, whether you are winning or losing customers, and why."""


if __name__ == "__main__":
    main()
