"""`netgrowth definitions`: is this agreement on what records mean free of faults?"""

import json
import sys
from dataclasses import asdict

import click

from agents.commands import definitions_diff, definitions_init, definitions_try
from config.definitions_file import Definitions, DefinitionsError, Fault, UnreadableDefinitions, load


@click.group()
def command() -> None:
    """Look at definitions files: what the silos' records mean.

    Example: netgrowth definitions check config/definitions/native.yaml
    """


@command.command(epilog="Example: netgrowth definitions check config/definitions/native.yaml")
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print faults and warnings as JSON.")
def check(file: str, as_json: bool) -> None:
    """Name every fault of a definitions FILE, with line, column and how to mend it.

    Exit status: 0 no fault (warnings are none), 1 faults, 2 the file cannot be read at all.
    """
    try:
        definitions = load(file)
    except UnreadableDefinitions as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except DefinitionsError as error:
        if as_json:
            _print_json(None, error.faults, ())
        else:
            for fault in error.faults:
                click.echo(_line(file, fault))
            count = len(error.faults)
            click.echo(f"{count} fault{'' if count == 1 else 's'} in {file}", err=True)
        sys.exit(1)
    if as_json:
        _print_json(definitions, (), definitions.warnings)
        return
    for warning in definitions.warnings:
        click.echo(f"warning: {_line(file, warning)}", err=True)
    click.echo(_summary(definitions))


command.add_command(definitions_diff.command)
command.add_command(definitions_init.command)
command.add_command(definitions_try.command)


def _line(file: str, fault: Fault) -> str:
    where = f"{fault.path}: " if fault.path else ""
    return f"{file}:{fault.line}:{fault.column}: {where}{fault.message}; {fault.mend}"


def _summary(definitions: Definitions) -> str:
    agreed = definitions.agreed
    who = "not agreed yet" if agreed is None else f"agreed by {agreed.by}, {agreed.at}"
    rules = sum(len(silo.rules) for silo in definitions.silos.values())
    parts = [
        f"{definitions.name} {definitions.version}",
        f"value model {definitions.value_model.version}",
        who,
        f"silos {', '.join(definitions.silos) or 'none, native records alone'}",
        f"rules {rules}",
        f"reasons {len(definitions.reasons)}{' and any other' if definitions.reasons_open else ''}",
    ]
    return "; ".join(parts)


def _print_json(definitions: Definitions | None, faults: tuple[Fault, ...], warnings: tuple[Fault, ...]) -> None:
    found: dict[str, object] = {"faults": [asdict(fault) for fault in faults]}
    found["warnings"] = [asdict(warning) for warning in warnings]
    if definitions is not None:
        found["definitions"] = {"name": definitions.name, "version": definitions.version}
    click.echo(json.dumps(found, ensure_ascii=False))
