"""`netgrowth definitions try`: what each kind of record becomes under a definitions file. Writes nothing."""

import sys
from collections.abc import Iterator

import click
import orjson

from agents import samples
from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import load_definitions
from agents.record_files import UnreadableFile
from agents.topics import BrokerUnreachable
from streams.facts.models import RawRecord
from streams.facts.trying import Kind, Rejected, Tried, try_records
from streams.report.wording import plural

EXAMPLE_WIDTH = 110

SHOWN_FAULTS = 5

NOWHERE = "name a topic with --topic, or a file with --sample"


def sample_of(topic: str | None, sample: str | None, most: int, *, spread: bool = False) -> list[RawRecord]:
    """The records that the options of `try` and `init` name; rows of a CSV that are none are told on stderr.

    Raises: WrongInput.
    """
    if (topic is None) == (sample is None):
        raise WrongInput(NOWHERE if topic is None else "give either --topic or --sample, not both")
    faults = 0

    def tell(line: int, why: str) -> None:
        nonlocal faults
        faults += 1
        if faults <= SHOWN_FAULTS:
            click.echo(f"line {line}: {why}", err=True)

    try:
        if sample is not None:
            records = samples.of_file(sample, most, tell, spread=spread)
        else:
            assert topic is not None
            records = samples.of_topic(settings_from_environment(), topic, most)
    except (UnreadableFile, BrokerUnreachable) as error:
        raise WrongInput(str(error)) from error
    if faults > SHOWN_FAULTS:
        click.echo(f"... {plural(faults, 'row')} left out in all", err=True)
    if not records and faults:
        raise WrongInput(f"no row of {sample} is valid")
    if not records:
        raise WrongInput(f"{sample or topic} holds no records; there is nothing to look at")
    return records


@click.command("try", epilog="Examples: netgrowth definitions try shop.yaml --sample orders.jsonl.gz; "
               "netgrowth definitions try shop.yaml --topic billing.invoices.v2 --last 1000")
@click.argument("file", metavar="F")
@click.option("--topic", metavar="T", help="A topic by its full name: its last records; nothing is committed. With "
              "--sample: the own topic that the file's records are of.")
@click.option("--sample", metavar="FILE", help="JSON lines, or a .csv with a header; gzip and zstd, too; - is stdin.")
@click.option("--last", default=1000, show_default=True, type=click.IntRange(1, 1_000_000), metavar="N",
              help="How many records: the last of a topic, the first of a file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(file: str, topic: str | None, sample: str | None, last: int, as_json: bool) -> None:
    """What each kind of record becomes under the definitions F, what it is ignored or rejected for, and which words
    are unmapped. The ledger counts them as if nothing had been known before the first of them. Writes nothing.

    Settings with --topic: KAFKA_BROKERS and its credentials (docs/settings.md).

    Exit status: 0 done, also with records that are rejected; 2 the definitions or the records cannot be read.
    """
    definitions = load_definitions(file)
    records = sample_of(topic if sample is None else None, sample, last)
    if sample is not None and topic is not None:
        for record in records:
            record.topic = topic
    if topic is not None and definitions.own_topics and topic not in definitions.own_topics:
        named = ", ".join(definitions.own_topics)
        click.echo(
            f"Warning: no silo of {definitions.name} has {topic} in its own_topics ({named}): a worker does not read "
            "it; its records are looked at as if they lay in customer-events", err=True,
        )  # fmt: skip
    tried = try_records(definitions, records)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(tried.as_json()) + b"\n")
        return
    for line in _lines(tried):
        click.echo(line)


def _lines(tried: Tried) -> Iterator[str]:
    yield f"{plural(tried.records, 'record')}"
    for kind in sorted(tried.kinds.values(), key=lambda kind: -kind.records):
        yield ""
        yield f"{plural(kind.records, 'record')}: {kind.rule}"
        yield f"    {_end_of(kind)}"
        yield from _examples(kind.examples)
    for one in sorted(tried.rejected.values(), key=lambda one: -one.records):
        yield ""
        yield from _rejected(one)
    if tried.unmapped:
        yield ""
        yield f"{plural(tried.unmapped, 'record')}: unmapped, no rule takes them"
        yield from _examples(tried.unmapped_examples)
    for name, words in tried.words.items():
        if words:
            yield ""
            listed = ", ".join(f"{word} ({count})" for word, count in words.most_common(20))
            more = f" and {len(words) - 20} more" if len(words) > 20 else ""
            yield f"words of {name} that are on no list, and count as unknown: {listed}{more}"


def _end_of(kind: Kind) -> str:
    if not kind.becomes:
        return "dropped: no fact"
    facts = f"becomes {' and '.join(kind.becomes)}"
    if not kind.ignored:
        return facts
    ignored = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in kind.ignored.most_common())
    return f"{facts}; applied {kind.applied}, ignored: {ignored}"


def _rejected(one: Rejected) -> Iterator[str]:
    yield f"{plural(one.records, 'record')}: rejected, {one.reason}"
    yield f"    a dead letter: {one.detail}"
    yield from _examples(one.examples)


def _examples(examples: list[str]) -> Iterator[str]:
    for example in examples[:1]:
        yield f"    such as {example if len(example) <= EXAMPLE_WIDTH else example[: EXAMPLE_WIDTH - 3] + '...'}"
