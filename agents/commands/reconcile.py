"""`netgrowth reconcile`: count a file again, compare with the running tables, and name the records responsible."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.facts_file import readable_again
from agents.commands.kept_records import counted_from_topic
from agents.commands.ledger import Instant, OwnTopic, check_own, load_definitions, read_into
from agents.matching import Responsible, find_responsible, suspects_of
from agents.replay.sending import TopicsNotReady
from agents.topics import BrokerUnreachable
from agents.wall_clock import wall_clock_us
from agents.worker_client import WorkerRefused, WorkerUnreachable, ask, worker_url
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.recount import Recount
from streams.report.silos import silo_lines
from streams.report.wording import plural
from streams.silos.recount import SiloRecount
from streams.tables.blame import attach
from streams.tables.reconciliation import differences

SHOWN_DIFFERENCES = 40
SHOWN_RECORDS = 10


@click.command(
    epilog="Example: netgrowth reconcile --facts events.jsonl.gz --url http://127.0.0.1:6066, or without a worker "
    "netgrowth reconcile --facts events.jsonl.gz --definitions company.yaml --silos"
)
@click.option("--facts", metavar="FILE", help="Records, one JSON object a line; - is standard input.")
@click.option("--own", multiple=True, type=OwnTopic(), metavar="TOPIC=FILE",
              help="With --silos: records of one of your own topics that the definitions name; may be repeated.")
@click.option("--url", help="The running worker (default: NETGROWTH_WEB_BIND and NETGROWTH_WEB_PORT here).")
@click.option("--running", "running_file", metavar="FILE",
              help="Compare with a saved ledger instead, as /api/v1/ledger or `netgrowth ledger --json` give it.")
@click.option("--definitions", "definitions_file",
              help="The definitions that the worker counts by (default: NETGROWTH_DEFINITIONS).")
@click.option("--partitions", type=click.IntRange(1, 10_000),
              help="Place keys as on a topic of so many partitions (default: NETGROWTH_PARTITIONS).")
@click.option("--positions/--no-positions", default=True, show_default=True,
              help="Where they differ, compare the file with the topic customer-events in Kafka record by record.")
@click.option("--silos", is_flag=True,
              help="Instead, explain each silo's own count against the company's, from the file alone.")
@click.option("--topic", "from_topic", is_flag=True,
              help="With --silos: count what customer-events keeps in Kafka, instead of a file.")
@click.option("--until", type=Instant(), help="With --silos: where the clock ends (RFC 3339).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    facts: str | None, own: tuple[tuple[str, str], ...], url: str | None, running_file: str | None,
    definitions_file: str | None, partitions: int | None, positions: bool, silos: bool, from_topic: bool,
    until: int | None, as_json: bool,
) -> None:
    """Count a file of records again, up to the clock of the running tables, and compare every field of every scope.

    Where they differ, the records responsible are named by where they lie: those of the topic that the file lacks by
    partition and offset, those of the file that the topic lacks by their line (offset, from 0). The file may be gzip
    or zstd compressed.

    With --silos no worker is asked: each silo's own count, the company's, and the difference by cause, down to a
    remainder of zero. How a silo counts by itself is `own_count` of the definitions. The records are those of files,
    or with --topic those that customer-events keeps.

    Exit status: 0 equal, 1 different, 2 no worker, or other definitions than the worker's.
    """
    settings = settings_from_environment()
    if silos:
        if url is not None or running_file is not None:
            raise WrongInput("--silos counts the file alone; leave --url and --running out")
        definitions_file = definitions_file or str(settings.definitions)
        if from_topic:
            if facts is not None or own:
                raise WrongInput("--topic counts what lies in Kafka; leave --facts and --own out")
            explained = counted_from_topic(settings, load_definitions(definitions_file), until)
        elif facts is None and not own:
            raise WrongInput(
                "no records are given: name a file with --facts, or with --own TOPIC=FILE, or have those of "
                "customer-events counted with --topic"
            )
        else:
            explained = _silos_of_files(definitions_file, facts, own, partitions or 1, until)
        _tell_silos(explained, as_json)
        return
    if from_topic:
        raise WrongInput("--topic goes with --silos; else running tables are compared with a file")
    if own:
        raise WrongInput("--own goes with --silos; a worker counts the records that intake wrote to customer-events")
    if facts is None:
        raise WrongInput("name a file of records with --facts")
    if until is not None:
        raise WrongInput("--until goes with --silos; else the clock of the running tables holds")
    definitions = load_definitions(definitions_file or str(settings.definitions))
    running, offsets = _running(settings, url, running_file)
    _check_terms(running, definitions, definitions_file or str(settings.definitions))
    count = partitions or settings.partitions
    until = instant_of(running["until"], None, "until")
    with readable_again(facts) as file:
        recount = Recount(definitions, partitions=count, until=until, now_us=wall_clock_us)
        read_into(recount, file)
        recounted = recount.finish()
        not_compared = {"accounting"} if recount.after_until or recount.facts_after_until else set()
        found = differences(_without(running, not_compared), _without(recounted, not_compared))
        told: dict[str, Any] = {
            "equal": not found, "differences": found, "until": running["until"],
            "definitions": running["definitions"], "not_compared": sorted(not_compared),
        }  # fmt: skip
        if found and positions:
            told.update(_name_records(settings, definitions, file, facts, until, offsets, found))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    else:
        for line in _lines(told):
            click.echo(line)
    if not_compared:
        click.echo(
            f"{plural(recount.after_until, 'record')} of the file, and {plural(recount.facts_after_until, 'fact')} "
            f"of others, dated after the clock of the running tables, {running['until']}: "
            "what became of records and facts (accounting) was not compared",
            err=True,
        )
    if found:
        sys.exit(1)


def _silos_of_files(
    definitions_file: str, facts: str | None, own: tuple[tuple[str, str], ...], partitions: int, until: int | None
) -> dict[str, Any]:
    definitions = load_definitions(definitions_file)
    check_own(definitions, own)
    recount = SiloRecount(definitions, partitions=partitions, until=until, now_us=wall_clock_us)
    if facts is not None:
        read_into(recount, facts)
    for topic, file in own:
        read_into(recount, file, topic)
    return recount.explained(recount.finish())


def _tell_silos(found: dict[str, Any], as_json: bool) -> None:
    if found["until"] is None:
        raise WrongInput("none of the records gives a fact; there is nothing to explain")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
    else:
        named = f"{found['definitions']['name']} {found['definitions']['version']}"
        click.echo(f"Each silo's own count and the company's, until {found['until']}, by the definitions {named}\n")
        for line in silo_lines(found):
            click.echo(line)
    if not found["equal"]:
        sys.exit(1)


def _running(
    settings: Settings, url: str | None, running_file: str | None
) -> tuple[dict[str, Any], dict[int, int] | None]:
    """The running ledger, and the next offset of each partition that is in it, if the worker tells."""
    if running_file is not None:
        if url is not None:
            raise WrongInput("--url and --running are both given; keep one")
        return _saved(running_file), None
    where = url or worker_url(settings)
    try:
        ledger = ask(where, "/api/v1/ledger")
        status = ask(where, "/api/v1/status")
    except (WorkerUnreachable, WorkerRefused) as error:
        raise WrongInput(str(error)) from error
    places = status.get("partitions", {})
    offsets = {int(number): place["next_offset"] for number, place in places.items() if place["next_offset"]}
    return _checked(ledger, f"{where}/api/v1/ledger"), offsets


def _saved(file: str) -> dict[str, Any]:
    try:
        return _checked(orjson.loads(Path(file).read_bytes()), file)
    except OSError as error:
        raise WrongInput(f"{file}: {error.strerror or error}; give a saved ledger") from error
    except orjson.JSONDecodeError as error:
        raise WrongInput(f"{file}: no JSON ({error}); save it with `curl .../api/v1/ledger > {file}`") from error


def _checked(ledger: Any, name: str) -> dict[str, Any]:
    if isinstance(ledger, dict) and {"definitions", "until", "total", "currency"} <= ledger.keys():
        try:
            instant_of(ledger["until"], None, "until")
            return ledger
        except (Refused, TypeError):
            pass
    raise WrongInput(f"{name} holds no ledger; it must be what /api/v1/ledger answers")


def _check_terms(running: dict[str, Any], definitions: Definitions, file: str) -> None:
    theirs = running["definitions"].get("name"), running["definitions"].get("version")
    if theirs != (definitions.name, definitions.version) or running["currency"] != definitions.currency:
        raise WrongInput(
            f"the running tables count by the definitions {theirs[0]} {theirs[1]} in {running['currency']}, "
            f"{file} is {definitions.name} {definitions.version} in {definitions.currency}; "
            "give the worker's own file with --definitions"
        )


def _without(ledger: dict[str, Any], names: set[str]) -> dict[str, Any]:
    # Periods are made on demand, so a saved ledger may have them and a recount does not.
    return {name: value for name, value in ledger.items() if name not in names and name != "periods"}


def _name_records(
    settings: Settings, definitions: Definitions, file: str, name: str, until: int,
    offsets: dict[int, int] | None, found: list[dict[str, Any]],
) -> dict[str, Any]:
    try:
        responsible: Responsible = find_responsible(settings, file, offsets)
    except (BrokerUnreachable, TopicsNotReady) as error:
        click.echo(f"which records they are is unknown: {error}", err=True)
        return {"positions": "unknown", "positions_unknown_because": str(error)}
    suspects = suspects_of(responsible, definitions, file, name, until, settings.topic("customer-events"))
    attach(found, suspects)
    return {
        "positions": "known",
        "records": [dict(suspect.place) for suspect in suspects],
        "records_compared": {"file": responsible.in_file, "topic": responsible.in_topic},
    }


def _lines(told: dict[str, Any]) -> Iterator[str]:
    definitions = told["definitions"]
    terms = f"at {told['until']}, by the definitions {definitions['name']} {definitions['version']}"
    if told["equal"]:
        yield f"Equal in every scope and field, {terms}"
        return
    found = told["differences"]
    yield f"{plural(len(found), 'difference')} {terms}"
    for difference in found[:SHOWN_DIFFERENCES]:
        shown = [_shown(difference["running"]), _shown(difference["recounted"])]
        yield f"  {difference['scope']}, {difference['field']}: running {shown[0]}, recounted {shown[1]}"
    if len(found) > SHOWN_DIFFERENCES:
        yield f"  ... and {len(found) - SHOWN_DIFFERENCES:,} more; --json lists all"
    if told.get("positions") != "known":
        return
    records = told["records"]
    if not records:
        yield "File and topic hold the same records: the tables themselves differ"
    for missing, where in (("file", "in the topic, not in the file"), ("topic", "in the file, not in the topic")):
        these = [record for record in records if record["missing_from"] == missing]
        if these:
            yield f"{plural(len(these), 'record')} {where}:"
        for record in these[:SHOWN_RECORDS]:
            yield "  " + (
                f"{record['topic']} partition {record['partition']} offset {record['offset']}"
                if missing == "file"
                else f"{record['topic']} line {record['offset'] + 1}"
            )
        if len(these) > SHOWN_RECORDS:
            yield f"  ... and {len(these) - SHOWN_RECORDS:,} more"


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)
