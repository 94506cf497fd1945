"""`netgrowth replay`: a data set's records, in its silo's own words, to Kafka or to stdout."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from agents.commands.environment import WrongInput, settings_from_environment
from agents.replay import rows
from agents.replay.datasets import DATASETS, Dataset, files_of
from agents.replay.finding import DataNotFound, find_files
from agents.replay.pacing import Pacer, parse_speed
from agents.replay.records import read_records, read_values
from streams.report.wording import plural

WRITE_BYTES = 1 << 20
INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


class Speed(click.ParamType):
    """A factor above 0, or `max`."""

    name = "FACTOR|max"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        try:
            return parse_speed(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _about() -> str:
    lines = [f"  {dataset.name:<18}{dataset.about}" for dataset in DATASETS.values()]
    return "\b\nData sets:\n" + "\n".join(lines)


@click.command("replay", epilog=_about())
@click.argument("dataset", metavar="DATASET", type=click.Choice(sorted(DATASETS)))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder with files of the same names and columns (.csv, .csv.gz, .csv.zst).",
)
@click.option(
    "--speed",
    type=Speed(),
    default="max",
    show_default=True,
    help="Seconds of event time in a second of wall clock, or max.",
)
@click.option("--print", "topic", metavar="TOPIC", help="Write the values of this topic as JSON lines instead.")
def command(dataset: str, data: Path | None, speed: float | None, topic: str | None) -> None:
    """Send a data set's records to the input topics, in the words of the silo they come from.

    Each record is a row: the file's column names, its texts as they stand. Records are paced by event time
    if a speed is given (3600: an hour a second). With --print nothing is sent and nothing paced.

    Settings: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX, NETGROWTH_PARTITIONS (docs/settings.md).

    Example: netgrowth replay online-retail --print customer-events | head -3
    """
    chosen = DATASETS[dataset]
    try:
        if topic is not None:
            _print(chosen, topic, data)
        else:
            _send(chosen, data, speed)
    except (DataNotFound, rows.UnreadableData) as error:
        raise WrongInput(str(error)) from error


def _print(dataset: Dataset, topic: str, data: Path | None) -> None:
    feeds = dataset.of_topic(topic)
    if not feeds:
        raise WrongInput(f"{dataset.name} has nothing for {topic}; it has {', '.join(dataset.topics)}")
    progress = rows.Progress()
    paths = find_files(dataset.name, files_of(feeds), data)
    try:
        _write_lines(read_values(feeds, paths, progress))
    except BrokenPipeError:
        # The reader has what it wanted; without this Python complains when it closes stdout at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    _tell_bad_rows(progress)


def _write_lines(values: Iterator[bytes]) -> None:
    stdout = sys.stdout.buffer
    lines: list[bytes] = []
    size = 0
    for value in values:
        lines.append(value)
        size += len(value)
        if size > WRITE_BYTES:
            lines.append(b"")
            stdout.write(b"\n".join(lines))
            lines, size = [], 0
    if lines:
        lines.append(b"")
        stdout.write(b"\n".join(lines))
    stdout.flush()


def _send(dataset: Dataset, data: Path | None, speed: float | None) -> None:
    # Imported here: --print must not wait for a Kafka client.
    from agents.replay.sending import Sent, TopicsNotReady, check_topics, create_producer, send_records
    from agents.topics import BrokerUnreachable

    settings = settings_from_environment()
    feeds, progress, sent = dataset.feeds, rows.Progress(), Sent()
    paths = find_files(dataset.name, files_of(feeds), data)
    stop = threading.Event()
    with _ctrl_c_sets(stop):
        try:
            check_topics(settings, dataset.topics)
            producer = create_producer(settings)
        except (BrokerUnreachable, TopicsNotReady) as error:
            raise WrongInput(str(error)) from error
        if speed is not None and not any(feed.times for feed in feeds):
            click.echo(f"{dataset.name} has no dates: its rows are sent in the file's order, at full speed", err=True)
        try:
            with _progress_bar(dataset.name, progress, sent):
                records = read_records(feeds, paths, progress)
                complete = send_records(records, producer, settings, Pacer(speed, stop), sent)
        finally:
            producer.close(timeout=5)
    _tell_bad_rows(progress)
    click.echo(f"{plural(sent.records - sent.failed, 'record')} sent to {', '.join(dataset.topics)}", err=True)
    if sent.failed:
        not_taken = plural(sent.failed, "record was", "records were")
        raise click.ClickException(f"{not_taken} not taken by the broker; first: {sent.first_failure}")
    if not complete:
        click.echo("stopped before the end", err=True)
        raise SystemExit(INTERRUPTED)


@contextmanager
def _progress_bar(name: str, progress: rows.Progress, sent: object) -> Iterator[None]:
    """Shows on stderr how much of the files is read, how many records are sent, and where event time stands."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:>9,} records  {task.fields[event_time]}"),
        TimeElapsedColumn(),
    )
    done = threading.Event()
    with Progress(*columns, console=console, auto_refresh=False, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, records=0, event_time="")

        def show() -> None:
            bar.update(
                task,
                total=progress.total or None,
                completed=progress.read,
                records=getattr(sent, "records", 0),
                event_time=_event_time(getattr(sent, "at_us", None)),
                refresh=True,
            )

        def keep_showing() -> None:
            while not done.wait(0.2):
                show()

        thread = threading.Thread(target=keep_showing, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            show()


def _event_time(at_us: int | None) -> str:
    return "" if at_us is None else datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


@contextmanager
def _ctrl_c_sets(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the sending in order; the second one ends the process."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_bad_rows(progress: rows.Progress) -> None:
    if progress.bad.count:
        rows_are = "row is" if progress.bad.count == 1 else "rows are"
        click.echo(f"{progress.bad.count} {rows_are} left out, first: {progress.bad.first}", err=True)
