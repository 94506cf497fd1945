"""`netgrowth opening load`: the customers a company had before its records begin, as opening facts."""

import sys
import threading
from collections.abc import Iterator
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import Instant, load_definitions
from agents.opening_file import read_rows
from agents.record_files import UnreadableFile, size_of
from agents.wall_clock import wall_clock_us
from config.definitions_file import Definitions
from config.settings import Settings
from streams.facts.labels import is_sound
from streams.facts.models import RawRecord
from streams.facts.money import minor_digits
from streams.facts.times import LATEST_EVENT_US
from streams.openings import Openings, RowFault
from streams.report.wording import plural
from streams.tables.calendar import utc_text

SHOWN_FAULTS = 5
SHOWN_WORDS = 5


@click.group()
def command() -> None:
    """The base of day one: customers who joined before the records begin.

    Example: netgrowth opening load customers.csv --as-of 2024-01-01T00:00:00Z
    """


@command.command(
    epilog="\b\nExamples:\n"
    "  netgrowth opening load customers.csv --as-of 2024-01-01T00:00:00Z\n"
    "  netgrowth opening load base.jsonl.gz --as-of 2024-01-01T00:00:00Z --print > opening.jsonl\n"
    "  cat opening.jsonl facts.jsonl | netgrowth ledger --definitions F --facts -"
)
@click.argument("file", metavar="FILE")
@click.option("--as-of", required=True, type=Instant(), help="When the rows were true (RFC 3339): the instant just "
              "before the first record in Kafka.")
@click.option("--definitions", "definitions_file", metavar="F",
              help="Their currency, time zone and silo hold; must be the workers' (default: NETGROWTH_DEFINITIONS).")
@click.option("--silo", help="The source system that says so; default: the definitions' silo of native records.")
@click.option("--print", "--dry-run", "dry_run", is_flag=True,
              help="Write the facts as JSON lines to stdout; send nothing, ask no broker.")
@click.option("--json", "as_json", is_flag=True,
              help="The summary as one JSON object, on stdout (with --print on stderr).")
def load(
    file: str, as_of: int, definitions_file: str | None, silo: str | None, dry_run: bool, as_json: bool
) -> None:
    """Write each customer of FILE to customer-events as an opening: counted in the opening balance, no gain.

    FILE is CSV with a header, or one JSON object a line; plain, gzip or zstd; - is standard input. Fields: customer
    (needed), segment, region, product, value (a decimal number in the definitions' currency; or value_minor, whole
    minor units), activity, by_recommendation, since and last_fact_at (a date in the company's time zone, or RFC
    3339). Other fields are passed over. A row at fault is told with its line, and left out.

    Loading a file again changes nothing: each fact has the same id, and a customer is opened once. A customer whose
    departure was seen before anything else of it is put right.

    Settings without --print: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX, NETGROWTH_PARTITIONS
    (docs/settings.md).

    Exit status: 0 done, also with rows left out; 1 the broker did not take a record; 2 the file cannot be read, no
    row of it is valid, the definitions take no native facts, or there is no broker.
    """
    settings = settings_from_environment()
    definitions = load_definitions(definitions_file or str(settings.definitions))
    _check(definitions, as_of, silo, dry_run)
    loading = _Loading(definitions, file, as_of, silo)
    try:
        if dry_run:
            for record in loading.records():
                sys.stdout.buffer.write((record.value or b"") + b"\n")
            sys.stdout.buffer.flush()
        else:
            _send(loading, settings)
    except UnreadableFile as error:
        before = f"; {plural(loading.sent, 'customer')} before that may have gone out, loading again is harmless"
        raise WrongInput(f"{error}{before if loading.sent else ''}") from error
    loading.tell()
    told = loading.told(dry_run)
    if as_json:
        click.echo(orjson.dumps(told), err=dry_run)
    else:
        for line in _lines(told):
            click.echo(line, err=dry_run)
    if loading.failed:
        not_taken = plural(loading.failed, "record was", "records were")
        failed = f"{not_taken} not taken by the broker; first: {loading.first_failure}"
        click.echo(f"Error: {failed}; load the file again", err=True)
        sys.exit(1)
    if not loading.openings.customers:
        raise WrongInput(f"{file}: no row is valid; nothing to load")


def _check(definitions: Definitions, as_of: int, silo: str | None, dry_run: bool) -> None:
    if definitions.native_silo is None:
        raise WrongInput(
            f"the definitions {definitions.name} take no facts in the native format (`native: false`), so an opening "
            "would mean nothing to them; write `native: {silo: opening}` in its place, and start the workers with it"
        )
    if silo is not None:
        if not silo or not is_sound(silo):
            raise WrongInput("--silo is empty, too long or holds control characters; give a silo's name")
        known = {definitions.native_silo, *definitions.silos, *definitions.precedence}
        if silo not in known:
            names = ", ".join(sorted(known))
            click.echo(f"Warning: the definitions name no silo {silo}; they know {names}", err=True)
    latest = LATEST_EVENT_US if dry_run else min(LATEST_EVENT_US, wall_clock_us() + definitions.future_skew_us)
    if not 0 <= as_of <= latest:
        raise WrongInput(
            f"--as-of {utc_text(as_of)} lies {'before 1970' if as_of < 0 else 'in the future'}; give the instant at "
            "which the file was true"
        )


class _Loading:
    """One file on its way: rows to records, faults told as they are found."""

    def __init__(self, definitions: Definitions, file: str, as_of: int, silo: str | None) -> None:
        self.openings = Openings(definitions, as_of, silo)
        self.rows = self.bad = self.sent = self.failed = 0
        self.first_failure = ""
        self._definitions, self._file, self._as_of = definitions, file, as_of

    def records(self) -> Iterator[RawRecord]:
        """Each valid row as a keyed record, with a progress bar on stderr.

        Raises: UnreadableFile.
        """
        console = Console(stderr=True)
        bar = Progress(
            TextColumn("loading"), BarColumn(), TextColumn("{task.fields[customers]:,} customers"),
            TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        with bar:
            task = bar.add_task("", total=size_of(self._file), customers=0)
            for line, row in read_rows(self._file, on_read=lambda n: bar.advance(task, n)):
                self.rows += 1
                if not self.rows % 1000:
                    bar.update(task, customers=self.openings.customers)
                try:
                    if isinstance(row, RowFault):
                        raise row
                    record = self.openings.record_of(row, line)
                except RowFault as fault:
                    self._tell_fault(line, fault)
                    continue
                yield record

    def _tell_fault(self, line: int, fault: RowFault) -> None:
        self.bad += 1
        if self.bad <= SHOWN_FAULTS:
            click.echo(f"line {line}: {fault.field}: {fault}", err=True)

    def tell(self) -> None:
        """What people should look at, on stderr."""
        if self.bad > SHOWN_FAULTS:
            click.echo(f"... {plural(self.bad, 'row')} left out in all", err=True)
        if self.openings.passed_over:
            click.echo(f"fields passed over: {', '.join(sorted(self.openings.passed_over))}", err=True)
        words = self.openings.unlisted
        if words:
            listed = ", ".join(f"{word} ({count:,})" for word, count in words.most_common(SHOWN_WORDS))
            more = f" and {len(words) - SHOWN_WORDS} more" if len(words) > SHOWN_WORDS else ""
            click.echo(f"activities on no list of the definitions, which count as unknown: {listed}{more}", err=True)

    def told(self, dry_run: bool) -> dict[str, Any]:
        """The JSON of the summary."""
        definitions = self._definitions
        return {
            "definitions": {"name": definitions.name, "version": definitions.version},
            "as_of": utc_text(self._as_of),
            "currency": definitions.currency,
            "rows": self.rows,
            "left_out": self.bad,
            "opening": {"customers": self.openings.customers, "value": self.openings.value},
            "without_value": self.openings.without_value,
            "sent": 0 if dry_run else self.sent - self.failed,
            "dry_run": dry_run,
        }


def _send(loading: _Loading, settings: Settings) -> None:
    # Imported here: --print must not wait for a Kafka client.
    from agents.replay.pacing import Pacer
    from agents.replay.records import Outgoing
    from agents.replay.sending import Sent, TopicsNotReady, check_topics, create_producer, send_records
    from agents.topics import BrokerUnreachable

    try:
        check_topics(settings, ["customer-events"])
        producer = create_producer(settings)
    except (BrokerUnreachable, TopicsNotReady) as error:
        raise WrongInput(str(error)) from error
    sent = Sent()
    records = (Outgoing(record.topic, record.key, record.value or b"", None) for record in loading.records())
    try:
        send_records(records, producer, settings, Pacer(None, threading.Event()), sent)
    finally:
        producer.close(timeout=5)
        loading.sent, loading.failed, loading.first_failure = sent.records, sent.failed, sent.first_failure


def _lines(told: dict[str, Any]) -> Iterator[str]:
    customers, value = told["opening"]["customers"], told["opening"]["value"]
    digits = minor_digits(told["currency"])
    major = f"{value // 10**digits:,}" + (f".{value % 10**digits:0{digits}}" if digits else "")
    done = "would be opened" if told["dry_run"] else "sent as opened"
    yield f"{plural(customers, 'customer')} {done} as of {told['as_of']}, worth {major} {told['currency']}"
    if told["without_value"]:
        yield f"  {told['without_value']:,} of them without a value: they count as 0"
    if told["left_out"]:
        yield f"  {plural(told['left_out'], 'row')} left out"
