"""`netgrowth worker`: counts, until it is told to stop."""

import logging.config
import os
import socket
from dataclasses import replace

import click

from agents.avro_records import NoAvro
from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.fitted import fitted_scorer
from agents.commands.ledger import load_definitions
from agents.feeds import FEEDS, LEDGER, SURVEYS, MissingTopics, usable_feeds
from agents.measuring import Measured, MeasureFault, Measurement, measured
from agents.own_topics import usable_own_topics
from agents.topics import BrokerUnreachable
from agents.trial.ports import free_port
from agents.worker_logging import logging_config
from config.settings import Settings


@click.command(epilog="Example: KAFKA_BROKERS=localhost:9092 netgrowth worker")
@click.option("--definitions", "definitions_file", help="The definitions file; default: NETGROWTH_DEFINITIONS.")
@click.option("--measure", is_flag=True, help="Count a topic to its expected end, print one line, and end: "
              "BROKER, TOPIC, GROUP, EXPECT_N, PARTITIONS and WORK_DIR in the environment say what.")
def command(definitions_file: str | None, measure: bool) -> None:
    """Read customer events, keep the ledger, and serve metrics and the API until SIGTERM or Ctrl-C.

    Settings come from the environment: docs/settings.md.
    """
    settings = settings_from_environment()
    path = definitions_file or str(settings.definitions)
    definitions = load_definitions(path)
    asked: Measured | None = None
    if measure:
        try:
            asked = measured(os.environ, settings)
        except MeasureFault as error:
            raise WrongInput(str(error)) from error
        settings = asked.settings
    logging.config.dictConfig(logging_config(settings))
    for warning in definitions.warnings:
        logging.getLogger("netgrowth").warning("%s:%d: %s; %s", definitions.name, warning.line, warning.message,
                                               warning.mend)
    try:
        if asked is None:
            feeds = usable_feeds(settings, (*FEEDS, SURVEYS))
        else:
            feeds = usable_feeds(settings, [LEDGER], without=[LEDGER.topic])
        own_topics = () if asked is not None else usable_own_topics(settings, definitions)
        counts_from = _built_from(settings)
    except (BrokerUnreachable, MissingTopics, NoAvro) as error:
        raise WrongInput(str(error)) from error
    settings = _with_port(settings)
    # Faust is imported only here: everything else of the command line starts without it.
    from agents.app import LedgerWorker
    from agents.transport import run_worker

    log = logging.getLogger("netgrowth")
    log.info("Definitions %s %s, brokers %s", definitions.name, definitions.version, ",".join(settings.kafka_brokers))
    topics = [asked.topic] if asked else [*(settings.topic(feed) for feed in sorted(feeds)), *own_topics]
    log.info("Reading %s as group %s", ", ".join(topics), settings.group("netgrowth"))
    log.info("Serving http://%s:%d/metrics, /api/v1/status, /health/ready", settings.web_bind, settings.web_port)
    if asked is None:
        scorer = fitted_scorer(definitions, path)
        worker = LedgerWorker(
            settings, definitions, feeds, own_topics=own_topics, scorer=scorer, counts_from=counts_from
        )
    else:
        worker = LedgerWorker(settings, definitions, feeds, measurement=Measurement(asked), topic=asked.topic)
    run_worker(worker.app, loglevel=settings.log_level, logging_config=logging_config(settings))


def _built_from(settings: Settings) -> int | None:
    """Where the count of the edition begins if it was built so.

    Raises: WrongInput while it is being built; BrokerUnreachable.
    """
    if not settings.edition:
        return None
    from agents.backfill import Unfinished, build_of

    try:
        build = build_of(settings)
    except Unfinished as error:
        raise WrongInput(str(error)) from error
    return None if build is None else build.counts_from


def _with_port(settings: Settings) -> Settings:
    """The settings with a port that can be had; 0 asks for any.

    Raises: WrongInput when the port is taken.
    """
    if settings.web_port == 0:
        return replace(settings, web_port=free_port(0))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_bind, settings.web_port))
        except OSError as error:
            where = f"{settings.web_bind}:{settings.web_port}"
            raise WrongInput(
                f"{where} cannot be served on ({error.strerror}); set NETGROWTH_WEB_PORT to another port, or to 0 "
                "for any free one, and NETGROWTH_WEB_BIND to an address of this machine"
            ) from error
    return settings
