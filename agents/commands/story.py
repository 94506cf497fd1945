"""`netgrowth story`: the demonstration's records, sent to any cluster as they would come."""

import threading

import click

from agents.commands.environment import WrongInput, settings_from_environment
from agents.replay.finding import DataNotFound
from agents.replay.sending import Sent, TopicsNotReady, check_topics, create_producer, send_records
from agents.topics import BrokerUnreachable
from agents.trial.pace import TrialPacer
from agents.trial.pages import PageWatcher
from agents.trial.stories import STORIES, times_faster
from agents.trial.summary import act_line
from agents.trial.watching import Watching

NAME = "flight-club"


@click.command("story", epilog="Example: netgrowth story --url http://worker:6066")
@click.option("--faster", type=click.FloatRange(0.1, 100.0), default=1.0, show_default=True,
              help="Play what is watched so many times as fast.")
@click.option("--url", help="A worker's address: what is watched begins when it has counted the past, and what it "
              "finds out is told.")
def command(faster: float, url: str | None) -> None:
    """Send the records of the demonstration that `netgrowth run` plays to the cluster in KAFKA_BROKERS.

    The topics must be there (`netgrowth topics create`), and the worker must count by
    config/definitions/flight-club.yaml. docs/demonstration.md says what of the records is real.
    """
    settings = settings_from_environment()
    story = times_faster(STORIES[NAME], faster)
    sent, stop = Sent(), threading.Event()
    watching = Watching(story, lambda: sent, lambda act: click.echo(act_line(act)))
    pages = None if url is None else PageWatcher(url.rstrip("/"), watching.look)
    pacer = (
        TrialPacer(story.pace, stop) if pages is None
        else TrialPacer(story.pace, stop, is_counted=watching.is_past_counted, behind_us=watching.behind_us)
    )  # fmt: skip
    watching.pacer = pacer
    try:
        records = story.open()
        check_topics(settings, story.topics)
        producer = create_producer(settings)
    except (BrokerUnreachable, DataNotFound, TopicsNotReady) as error:
        raise WrongInput(str(error)) from error
    if pages is not None:
        pages.start()
    try:
        send_records(records(), producer, settings, pacer, sent)
    finally:
        producer.close(timeout=5)
        if pages is not None:
            pages.stop()
    if sent.failed:
        raise click.ClickException(f"{sent.failed:,} records were not taken, the first: {sent.first_failure}")
