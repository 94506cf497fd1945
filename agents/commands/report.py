"""`netgrowth report`: the report card of an instant, from a running worker or from a file."""

import sys
from typing import Any

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.kept_records import counted_from_topic
from agents.commands.ledger import Instant, load_definitions, read_into
from agents.commands.report_surges import SurgesBeside
from agents.wall_clock import wall_clock_us
from agents.worker_client import WorkerRefused, WorkerUnreachable, ask, worker_url
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.times import instant_of
from streams.ledger.remembered import NEVER
from streams.report.card import add_silos, card, card_lines
from streams.report.instants import is_final_now
from streams.silos.recount import SiloRecount
from streams.tables.calendar import minute_start, utc_text
from streams.tables.windows import WINDOW_NAMES


@click.command(
    epilog="Example: netgrowth report --at 2011-06-30T23:59:00Z --window this_month "
    "--definitions config/definitions/online-retail.yaml --facts purchases.jsonl"
)
@click.option("--at", type=Instant(), help="The instant (RFC 3339); default: now, of a file its largest event time.")
@click.option("--url", help="The running worker (default: NETGROWTH_WEB_BIND and NETGROWTH_WEB_PORT here).")
@click.option("--definitions", "definitions_file", metavar="F", help="With --facts: the definitions file (YAML).")
@click.option("--facts", metavar="FILE", help="Count this file instead of asking a worker; - is standard input.")
@click.option("--surges", is_flag=True, help="With --facts: also what is out of the ordinary, as a worker tells it.")
@click.option("--signals", metavar="FILE", help="With --facts: records of qos-signals, for surges of the disrupted.")
@click.option("--status", metavar="FILE", help="With --facts: records of service-status.")
@click.option("--mentions", metavar="FILE", help="With --facts: records of social-mentions, for surges of them.")
@click.option("--surveys", metavar="FILE",
              help="With --facts: records of survey-responses; how much earlier each trouble was told than by them.")
@click.option("--window", type=click.Choice(list(WINDOW_NAMES)), default="all", show_default=True,
              help="Which of the running windows at that instant.")
@click.option("--silos", is_flag=True,
              help="With a worker: count what customer-events keeps again, and explain each silo's own count.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    at: int | None, url: str | None, definitions_file: str | None, facts: str | None, surges: bool,
    signals: str | None, status: str | None, mentions: str | None, surveys: str | None, window: str, silos: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """The report card: net growth, why customers left, what brought them, who recommends us, and problems.

    It says what is known now. While facts inside the horizon can still change an instant, the card says that it is
    provisional. A worker answers for its clock and for instants before it whose buckets are still kept; from a file
    every instant can be had. A file's card explains each silo's own count against the company's; a worker's does with
    --silos, which reads customer-events in Kafka again and takes its time (KAFKA_BROKERS and its credentials, and
    NETGROWTH_DEFINITIONS as the workers have it).

    A worker's card tells surges, and how many hours before the surveys each trouble was told. That of a file does so
    with --surges, or with any of --signals, --mentions and --surveys, and takes as long as `netgrowth surges` then.

    Exit status: 0 done, 2 no worker, an instant that it cannot answer, or a file without any event time.
    """
    if facts is None and definitions_file is not None:
        raise WrongInput("--definitions goes with --facts; a worker has definitions of its own")
    if facts is not None and url is not None:
        raise WrongInput("--url and --facts are both given; keep one")
    if facts is not None and definitions_file is None:
        raise WrongInput("--facts needs --definitions: what the records mean")
    if silos and facts is not None:
        raise WrongInput("--silos goes with a worker; the card of a file explains silos anyway")
    given = {
        "qos-signals": signals, "service-status": status, "social-mentions": mentions, "survey-responses": surveys,
    }  # fmt: skip
    files = {topic: file for topic, file in given.items() if file is not None}
    if facts is None and (files or surges):
        raise WrongInput(
            "--surges, --signals, --status, --mentions and --surveys go with --facts; a worker reads the topics"
        )
    if [facts, *files.values()].count("-") > 1:
        raise WrongInput("only one file can be standard input")
    if facts is None:
        found = _from_worker(url, at, window, silos=silos)
    else:
        definitions = load_definitions(str(definitions_file))
        beside = SurgesBeside(definitions, str(definitions_file), files, at) if surges or files else None
        found = _from_file(definitions, facts, at, window, beside)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    for line in card_lines(found):
        click.echo(line)


def _from_file(
    definitions: Definitions, facts: str, at: int | None, window: str, beside: SurgesBeside | None
) -> dict[str, Any]:
    recount = SiloRecount(definitions, until=at, now_us=wall_clock_us)
    read_into(recount, facts, also=None if beside is None else beside.recount.add_facts)
    stands_at = recount.clock()
    if stands_at is None or recount.latest == NEVER:
        raise WrongInput(f"{facts} holds no record with an event time: there is nothing to report")
    ledger = recount.finish()
    known = max(stands_at, recount.latest)
    final = is_final_now(recount.tables, window, stands_at, known)
    silos = recount.explained(ledger)
    surges = None if beside is None else beside.found()
    return card(ledger, window=window, known_until=utc_text(known), final=final, silos=silos, surges=surges)


def _from_worker(url: str | None, at: int | None, window: str, *, silos: bool) -> dict[str, Any]:
    settings = settings_from_environment()
    where = url or worker_url(settings)
    parameters = {"window": window} | ({} if at is None else {"at": utc_text(at)})
    try:
        found: dict[str, Any] = ask(where, "/api/v1/report", **parameters)
    except (WorkerUnreachable, WorkerRefused) as error:
        raise WrongInput(str(error)) from error
    if at is not None and minute_start(instant_of(found["at"], None)) != minute_start(at):
        raise WrongInput(
            f"the worker at {where} answers for {found['at']} alone, not for {utc_text(at)}; "
            "leave --at out, or count a file: --definitions F --facts FILE"
        )
    if silos:
        _add_silos(found, settings)
    return found


def _add_silos(found: dict[str, Any], settings: Settings) -> None:
    """The section of the silos, from what the topic keeps up to the card's clock."""
    definitions = load_definitions(str(settings.definitions))
    theirs, ours = found["definitions"], {"name": definitions.name, "version": definitions.version}
    if {name: theirs[name] for name in ours} != ours:
        raise WrongInput(
            f"the worker counts by the definitions {theirs['name']} {theirs['version']}, and {settings.definitions} "
            f"is {ours['name']} {ours['version']}: set NETGROWTH_DEFINITIONS to the worker's file"
        )
    explained = counted_from_topic(settings, definitions, instant_of(found["at"], None, "at"))
    add_silos(found, explained)
