"""The command `netgrowth`: each command lives in a module of its own and is imported when it is called."""

import importlib

import click

from agents.own_names import ForeignPackage, check_own_names

COMMANDS = {
    "dead-letters": "agents.commands.dead_letters",
    "definitions": "agents.commands.definitions",
    "ledger": "agents.commands.ledger",
    "reconcile": "agents.commands.reconcile",
    "replay": "agents.commands.replay",
    "report": "agents.commands.report",
    "run": "agents.commands.run",
    "topics": "agents.commands.topics",
    "worker": "agents.commands.worker",
}
"""Command name to the module that holds it as `command`."""


class LazyGroup(click.Group):
    """Lists commands without importing them, so that `--help` and light commands start at once."""

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
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `netgrowth run`, or `netgrowth ledger --help` to count a file without Kafka.",
)
@click.version_option(package_name="netgrowth")
def main() -> None:
    """Know, while it happens, whether you are winning or losing customers, and why."""


if __name__ == "__main__":
    main()
