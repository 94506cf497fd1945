"""`netgrowth surges mark`: what a person says of a surge."""

from typing import Any

import click
import msgspec

from agents.commands.environment import WrongInput, settings_from_environment
from agents.single_record import send_record
from agents.surge_board import SurgeBoard
from agents.topic_reading import read_topic
from agents.topics import BrokerUnreachable
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.surges.board import VERDICTS, Verdict
from streams.tables.calendar import utc_text


@click.command("mark", epilog='Example: netgrowth surges mark 3f2a9c0b1d4e false --note "the feed was sent twice"')
@click.argument("surge_id", metavar="ID")
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.option("--note", default="", help="Why, for whoever reads it later.")
def mark_command(surge_id: str, verdict: str, note: str) -> None:
    """Say what a surge was: real, expected, or a false alarm. Saying it again replaces it.

    The verdict goes to the topic `surge-verdicts`; false alarms against what is accepted are a metric, and in the
    report card. IDs are in `/api/v1/surges`.

    Settings: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX (docs/settings.md).

    Exit status: 0 done, 1 there is no such surge, 2 wrong usage or no broker.
    """
    settings = settings_from_environment()
    value = Verdict(surge_id, verdict, note, utc_text(wall_clock_us()))
    try:
        if not _is_known(settings, surge_id):
            click.echo(f"no surge {surge_id} was told of in {settings.topic('surges')}; /api/v1/surges has the ids",
                       err=True)
            raise click.exceptions.Exit(1)
        send_record(settings, "surge-verdicts", surge_id.encode(), msgspec.json.encode(value))
    except BrokerUnreachable as error:
        raise WrongInput(str(error)) from error


def _is_known(settings: Settings, surge_id: str) -> bool:
    board = SurgeBoard(settings, lambda: None)

    def take(_: int, records: Any) -> None:
        for record in records:
            board.take("surges", record.key, record.value)

    read_topic(settings, "surges", take)
    return surge_id in board.log.surges
