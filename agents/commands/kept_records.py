"""Counting the records that `customer-events` keeps, with progress on stderr."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.commands.environment import WrongInput
from agents.replay.sending import TopicsNotReady, check_topics
from agents.silos_of_topic import silos_of_topic
from agents.topics import BrokerUnreachable
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.intake.rules import CUSTOMER_EVENTS


def counted_from_topic(settings: Settings, definitions: Definitions, until: int | None) -> dict[str, Any]:
    """Each silo's own count explained, from the topic (`agents.silos_of_topic`).

    Raises: WrongInput when it cannot be read.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("counting {task.fields[name]} again"), BarColumn(), TextColumn("{task.completed:,} records"),
        TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    try:
        check_topics(settings, [CUSTOMER_EVENTS, "dead-letters"])
        with bar:
            task = bar.add_task("", total=None, name=settings.topic(CUSTOMER_EVENTS))
            return silos_of_topic(settings, definitions, until, lambda records, _: bar.advance(task, records))
    except (BrokerUnreachable, TopicsNotReady) as error:
        raise WrongInput(str(error)) from error
