"""`netgrowth backfill`: build the tables anew from history and the kept facts, beside the running ones."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import Instant, load_definitions
from agents.record_files import UnreadableFile
from agents.topics import BrokerUnreachable, ensure_topics
from agents.wall_clock import wall_clock_us
from config.setting_values import read_name_prefix
from config.settings import Settings
from streams.backfill import Backfill, NoHistory
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.report.wording import plural
from streams.tables.calendar import utc_text

SOURCE = "customer-events"


@click.command(
    epilog="Examples: netgrowth backfill events-2019-2023.jsonl.gz; "
    "netgrowth backfill --topic billing.invoices.v2 --from 2019-01-01T00:00:00Z"
)
@click.argument("file", required=False)
@click.option("--topic", metavar="T", help="A topic by its full name; with FILE: the own topic in whose words it is.")
@click.option("--from", "since", type=Instant(), help="With --topic: from the first record appended then or later.")
@click.option("--carry-over", "old_file", metavar="F",
              help="No history: begin with the customers of the running count, whose definitions are F.")
@click.option("--definitions", "definitions_file", help="The definitions file (default: NETGROWTH_DEFINITIONS).")
@click.option("--edition", help="Name of the edition (default: NETGROWTH_EDITION, else one made from the history).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: str | None, topic: str | None, since: int | None, old_file: str | None, definitions_file: str | None,
    edition: str | None, as_json: bool,
) -> None:
    """Count the history in FILE, or in topic T, together with the facts that are kept in customer-events, in event
    time, and write that as the state of an edition.

    Nothing of the running count is touched. Workers started with the edition's name go on from there and take over
    once they have caught up, like a new version of the definitions; windows and cohorts have a past then. FILE has
    records as in customer-events, one JSON object a line, in any order; gzip or zstd compressed if you like.

    Where the facts of before are no longer kept and there is no history of them, --carry-over begins the new count
    at an instant, the horizon before the newest fact, with the customers whom the running one had then; what happened
    later is counted by the new definitions. Every row of a span that begins before it says so: `counts_from`.

    Running it again changes nothing: what is built is not built anew, and what was interrupted goes on. The
    records are sorted in temporary files (TMPDIR), which take about as much room as the records themselves.

    Exit status: 0 built, now or before; 1 the broker did not take a record: run it again; 2 the history cannot be
    read, no broker answers, or the edition's name is taken.
    """
    # Imported here: it brings the worker with it.
    from agents.backfill import CannotBuild, EditionBuilder, NotWritten, carry_over
    from agents.history import partitions_of

    if (file is None and topic is None) == (old_file is None):
        raise WrongInput("name a FILE, or a topic with --topic, or the running definitions with --carry-over")
    if since is not None and (topic is None or file is not None):
        raise WrongInput("--from goes with --topic alone; a file is read whole")
    settings = settings_from_environment()
    definitions = load_definitions(definitions_file or str(settings.definitions))
    try:
        old = None if old_file is None else load_definitions(old_file)
        source = _source_of(file, topic, since) if old is None else f"state by {old.name} {old.version}"
        settings = _of_edition(settings, definitions, edition, source)
        if file is None and topic is not None:
            partitions_of(settings, topic)  # before anything is made
        _make_topics(settings)
        builder = EditionBuilder(settings, definitions, source)
        told: dict[str, Any] = {"edition": settings.edition, "built": "before"}
        if not builder.is_done():
            carried = None if old is None else carry_over(settings, old, definitions, builder.begun_at())
            at = None if carried is None else carried.at
            backfill, ends = _read(settings, definitions, file, topic, since, at)
            read = f"{plural(backfill.history, 'record')} of history, {plural(backfill.kept, 'kept one')}"
            click.echo(f"read: {read}; counting them", err=True)
            builder.build(
                backfill, ends, lambda number: click.echo(f"partition {number} is built", err=True), carried
            )
            told |= {
                "built": "now", "history": backfill.history, "kept": backfill.kept, "left_out": backfill.left_out,
            } | ({} if at is None else {"counts_from": utc_text(at)})  # fmt: skip
    except (BrokerUnreachable, CannotBuild, NoHistory, UnreadableFile) as error:
        raise WrongInput(str(error)) from error
    except OSError as error:
        raise WrongInput(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except NotWritten as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(orjson.dumps(told))
        return
    for line in _lines(told):
        click.echo(line)


def _source_of(file: str | None, topic: str | None, since: int | None) -> str:
    from agents.history import file_digest

    if file is None:
        return f"topic {topic} from {since or 'its beginning'}"
    if file == "-":
        raise WrongInput("the history is read once more if the command is interrupted; give a file, not -")
    return f"file {file_digest(file)}" + ("" if topic is None else f" of {topic}")


def _of_edition(settings: Settings, definitions: Definitions, edition: str | None, source: str) -> Settings:
    try:
        name = read_name_prefix(edition or settings.edition)
    except ValueError as error:
        raise WrongInput(f"--edition {error}") from error
    if not name:
        words = "\n".join((definitions.name, definitions.version, source))
        name = f"past-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    return replace(settings, edition=name)


def _make_topics(settings: Settings) -> None:
    states = ensure_topics(settings)
    if states.missing or states.faults:
        lines = [*states.faults, *(f"{name} is missing" for name in states.missing)]
        raise WrongInput(
            "; ".join(lines) + f"; NETGROWTH_EDITION={settings.edition} netgrowth topics create --print shows how"
        )


def _read(
    settings: Settings, definitions: Definitions, file: str | None, topic: str | None, since: int | None,
    counts_from: int | None,
) -> tuple[Backfill, list[int]]:
    """The history and the kept facts, and the offset at which the edition's workers go on in each partition."""
    from agents import history
    from agents.sorted_history import SortedHistory

    backfill = Backfill(
        definitions, settings.partitions, now_us=wall_clock_us, own_topic=topic, since=counts_from,
        history=SortedHistory(),
    )
    if file is not None:
        for records in history.of_file(file, SOURCE if topic is None else topic):
            backfill.add_history(records)
    elif topic is not None:
        milliseconds = None if since is None else since // 1000
        history.through_topic(settings, topic, lambda _, found: backfill.add_history(found), milliseconds)
    kept = _Kept(backfill)
    ends = history.through_topic(settings, settings.topic(SOURCE), kept.take, partitions=settings.partitions)
    if counts_from is not None:
        kept.check(counts_from)
    return backfill, ends


class _Kept:
    """The kept facts on their way into a backfill, and how far back they go."""

    def __init__(self, backfill: Backfill) -> None:
        self._backfill = backfill
        self._first: dict[int, RawRecord] = {}
        self._earliest: dict[int, int] = {}

    def take(self, partition: int, records: Sequence[RawRecord]) -> None:
        """The next ones of a partition."""
        earliest = self._backfill.add_kept(partition, records)
        if records:
            self._first.setdefault(partition, records[0])
        if earliest is not None:
            self._earliest[partition] = min(earliest, self._earliest.get(partition, earliest))

    def check(self, counts_from: int) -> None:
        """What happened after the instant must be kept: the first record was appended, or tells of a time, before.

        Raises: WrongInput.
        """
        for partition, first in self._first.items():
            appended = None if first.timestamp_ms is None else first.timestamp_ms * 1000
            known = appended, self._earliest.get(partition)
            if first.offset and all(at is None or at > counts_from for at in known):
                raise WrongInput(
                    f"records of {first.topic} since {utc_text(counts_from)} are no longer kept, so what happened "
                    "since then cannot be counted by the new definitions: its retention must be longer than the "
                    "horizon"
                )


def _lines(told: dict[str, Any]) -> Iterator[str]:
    if told["built"] == "before":
        yield f"The edition {told['edition']} was built from this history before; nothing was changed."
    else:
        kept = plural(told["kept"], "kept one")
        past = f"{plural(told['history'], 'record')} of history"
        if "counts_from" in told:
            past = f"the customers whom the running count had at {told['counts_from']},"
        yield f"{past} and {kept} make the edition {told['edition']}."
        for name, count in told["left_out"].items():
            yield f"  {plural(count, 'record')} of the history left out: {name}"
    yield f"Start its workers: NETGROWTH_EDITION={told['edition']} netgrowth worker; they take over by themselves."
