"""`netgrowth worker`: counts, until it is told to stop."""

import gc
import logging.config
import os

import click

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import load_definitions
from agents.measuring import Measured, MeasureFault, Measurement, measured
from agents.topics import TOPICS, BrokerUnreachable, ensure_topics
from agents.worker_logging import logging_config


@click.command(epilog="Example: KAFKA_BROKERS=localhost:9092 netgrowth worker")
@click.option("--definitions", "definitions_file", help="The definitions file; default: NETGROWTH_DEFINITIONS.")
@click.option("--measure", is_flag=True, help="Count a topic to its expected end, print one line, and end: "
              "BROKER, TOPIC, GROUP, EXPECT_N, PARTITIONS and WORK_DIR in the environment say what.")
def command(definitions_file: str | None, measure: bool) -> None:
    """Read customer events, keep the ledger, and serve metrics and the API until SIGTERM or Ctrl-C.

    Settings come from the environment: docs/settings.md.
    """
    settings = settings_from_environment()
    definitions = load_definitions(definitions_file or str(settings.definitions))
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
        topics = TOPICS if asked is None else [topic for topic in TOPICS if topic.name != "customer-events"]
        states = ensure_topics(settings, topics)
    except BrokerUnreachable as error:
        raise WrongInput(str(error)) from error
    if states.faults:
        raise WrongInput("\n".join(states.faults))
    # What lives long here is never part of a cycle; looking through it again and again costs a tenth of the time.
    gc.set_threshold(100_000, 50, 100)
    # Faust is imported only here: everything else of the command line starts without it.
    from agents.app import LedgerWorker
    from agents.transport import run_worker

    if asked is None:
        worker = LedgerWorker(settings, definitions)
    else:
        worker = LedgerWorker(settings, definitions, measurement=Measurement(asked), topic=asked.topic)
    run_worker(worker.app, loglevel=settings.log_level, logging_config=logging_config(settings))
