"""`netgrowth definitions init`: a commented draft of a definitions file from a sample of records."""

import re
import sys
from pathlib import Path

import click

from agents.commands.definitions_try import sample_of
from agents.commands.environment import WrongInput
from streams.facts.definitions.undecided import UNMAPPED
from streams.facts.draft import draft
from streams.facts.profiles import guesses_of, profiles_of
from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly
from streams.report.wording import plural


@click.command("init", epilog="Examples: netgrowth definitions init --sample orders.csv > shop.yaml; "
               "netgrowth definitions init --topic billing.invoices.v2 --out billing.yaml")
@click.option("--topic", metavar="T", help="A topic by its full name: its last records; nothing is committed.")
@click.option("--sample", metavar="FILE", help="JSON lines, or a .csv with a header; gzip and zstd, too; - is stdin.")
@click.option("--records", default=1000, show_default=True, type=click.IntRange(1, 1_000_000), metavar="N",
              help="How many records to look at; of a file drawn from a hundred times as many.")
@click.option("--name", help="Of the definitions and their silo; default: after the topic or file.")
@click.option("--out", metavar="FILE", help="Write it there instead of stdout; a file that is there is kept.")
def command(topic: str | None, sample: str | None, records: int, name: str | None, out: str | None) -> None:
    """A draft from the records of one source: which fields look like id, time, event and value, and every event name
    and reason word with its count. What a word means is never guessed: it stays `unmapped` for somebody to decide.

    Settings with --topic: KAFKA_BROKERS and its credentials (docs/settings.md).

    Exit status: 0 done, 2 the records cannot be read.
    """
    sampled = sample_of(topic, sample, records, spread=True)
    documents, unread = [], 0
    for record in sampled:
        try:
            documents.append(read_exactly(record.value))
        except Refused as refused:
            unread += 1
            if unread == 1:
                click.echo(f"not read: {refused.detail}", err=True)
    source = topic or ("standard input" if sample == "-" else Path(sample or "").name)
    if not documents:
        of_file = "" if sample is None else (
            "; give one a line (`jq -c .` puts objects on a line each, `jq -c '.[]'` those of a list), or a file "
            "that ends in .csv"
        )  # fmt: skip
        raise WrongInput(
            f"none of {plural(len(sampled), 'record')} of {source} is a JSON object{of_file}"
        )
    if unread:
        click.echo(f"{plural(unread, 'record')} of {len(sampled):,} could not be read", err=True)
    if all("fact" in document and "customer_id" in document for document in documents):
        click.echo("these records look like the native format, which needs no rules: config/definitions/native.yaml",
                   err=True)
    text = draft(name or _name_of(source), guesses_of(profiles_of(documents), len(documents)), len(documents), source)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WrongInput(f"{out} is there already, and may have been worked on; name another file") from None
    except OSError as error:
        raise WrongInput(f"{out}: {error.strerror}") from error
    open_places = sum(line.partition("#")[0].count(UNMAPPED) for line in text.splitlines())
    click.echo(f"{out}: {plural(open_places, 'place')} to decide", err=True)


def _name_of(source: str) -> str:
    stem = re.sub(r"(\.(?:jsonl?|ndjson|csv|gz|zst|txt))+$", "", source.lower())
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "draft"
