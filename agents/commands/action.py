"""`netgrowth action`: what the company does itself, so that surges which it brings are known for what they are."""

from secrets import token_hex

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import Instant
from agents.single_record import send_record
from agents.topics import BrokerUnreachable
from agents.wall_clock import wall_clock_us
from streams.facts.refusal import Refused
from streams.surges.actions import EXPECTED_NAMES, KINDS, action_of
from streams.tables.calendar import utc_text


@click.group("action")
def command() -> None:
    """What the company does itself: releases, price changes, campaigns, outages, maintenance.

    Settings: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX (docs/settings.md).

    Example: netgrowth action add price_change "Basic costs 2 EUR more" --scope segment=SMB --expect lost=200
    """


@command.command(
    "add",
    epilog='Example: netgrowth action add maintenance "Payments down for an hour" --from 2026-11-23T02:00:00Z '
    "--until 2026-11-23T03:00:00Z --expect disrupted=500",
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("text")
@click.option("--scope", multiple=True, metavar="LABEL=VALUE", help="Where it is at work, such as segment=SMB; "
              "may be given several times. Without it: everywhere.")
@click.option("--from", "start", type=Instant(), help="From when on it is at work (RFC 3339); default: now.")
@click.option("--until", "end", type=Instant(), help="Until when; default: a day.")
@click.option("--expect", multiple=True, metavar="NAME=NUMBER",
              help=f"How many more than usual it may bring: {', '.join(EXPECTED_NAMES)}.")
@click.option("--owner", help="Who answers for it.")
@click.option("--id", "action_id", help="Its id: adding it again replaces it; default: a new one.")
def add(
    kind: str, text: str, scope: tuple[str, ...], start: int | None, end: int | None, expect: tuple[str, ...],
    owner: str | None, action_id: str | None,
) -> None:  # fmt: skip
    """Add an action to the topic `actions`, and print its id.

    A surge of its scope and time is shown with it. If the action expected so much (--expect), the surge is marked as
    expected and pages nobody; more than expected is no expected surge.

    Exit status: 0 done, 2 wrong usage or no broker.
    """
    now = wall_clock_us()
    document = {
        "action_id": action_id or f"{kind}-{token_hex(4)}",
        "at": utc_text(now),
        "kind": kind,
        "text": text,
        "scope": dict(_pair(one, "--scope") for one in scope),
        "from": utc_text(now if start is None else start),
        "expected": {name: _number(name, number) for name, number in (_pair(one, "--expect") for one in expect)},
    }
    if end is not None:
        document["until"] = utc_text(end)
    if owner is not None:
        document["owner"] = owner
    try:
        action = action_of(document)
    except Refused as refused:
        raise WrongInput(str(refused)) from refused
    key = ",".join(f"{label}={value}" for label, value in sorted(action.scope.items()))
    try:
        send_record(settings_from_environment(), "actions", key.encode(), orjson.dumps(document))
    except BrokerUnreachable as error:
        raise WrongInput(str(error)) from error
    click.echo(action.action_id)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise WrongInput(f"{option} {text!r} is no NAME=VALUE")
    return name, value


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise WrongInput(f"--expect {name}={text}: {text!r} is no whole number")
    return int(text)
