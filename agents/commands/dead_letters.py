"""`netgrowth dead-letters`: records that could not be admitted, by reason, and putting them back after a mend."""

import base64
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
import orjson

from agents.avro_records import AvroRecords, NoAvro, RegistryUnreachable
from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import load_definitions
from agents.dead_letter_deciding import Deciding, Decision, Outcome, as_it_lies
from agents.dead_letter_replay import (
    ReplayFailed,
    put_back,
    read_letters,
    read_standing,
    records_behind,
)
from agents.dead_letters import Held, ReasonSummary, summarise
from agents.replay.sending import TopicsNotReady, check_topics, create_producer
from agents.topics import BrokerUnreachable
from config.settings import Settings
from streams.facts.models import RawRecord, RejectReason
from streams.report.wording import plural
from streams.tables.calendar import utc_text

SHOWN_RECORDS = 50
SHOWN_BYTES = 160

REASON = click.Choice([reason.value for reason in RejectReason])


@click.group()
def command() -> None:
    """Records that could not be admitted: see them by reason, put them back after a mend.

    Settings: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX, NETGROWTH_PARTITIONS,
    NETGROWTH_DEFINITIONS, NETGROWTH_MAX_RECORD_BYTES (docs/settings.md).

    Example: netgrowth dead-letters list
    """


@command.command("list", epilog="Example: netgrowth dead-letters list --reason wrong_partition")
@click.option("--reason", type=REASON, help="Only this reason, record by record.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_letters(reason: str | None, as_json: bool) -> None:
    """How many dead letters there are of each reason, when they came, and an example.

    Each record is counted once, however often a worker wrote its letter. With --reason every record is listed with
    its place and the beginning of its bytes (with --json: all of them, base64).

    Exit status: 0, also when there are none; 2 no broker.
    """
    settings = settings_from_environment()
    try:
        check_topics(settings, ["dead-letters"])
        box = read_letters(settings)
    except (BrokerUnreachable, TopicsNotReady) as error:
        raise WrongInput(str(error)) from error
    letters = box.of(reason)
    if box.unreadable:
        unreadable = plural(box.unreadable, "record")
        click.echo(f"{unreadable} of dead-letters that cannot be read as dead letters: passed over", err=True)
    if as_json:
        _print_json(listing(letters, with_records=reason is not None))
        return
    for line in _lines(letters, reason):
        click.echo(line)


@command.command(epilog="Example: netgrowth dead-letters replay --reason no_rate --definitions mended.yaml")
@click.option("--reason", type=REASON, help="Only letters of this reason.")
@click.option("--definitions", "definitions_file",
              help="Judge by this file; it must be the workers' (default: NETGROWTH_DEFINITIONS).")
@click.option("--dry-run", is_flag=True, help="Say what would be put back; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(reason: str | None, definitions_file: str | None, dry_run: bool, as_json: bool) -> None:
    """Put back the records that would be admitted now: of customer-events, and of your own topics.

    Your own topics are not written to: what intake makes of such a record now goes where intake would have sent it.
    A record of customer-events goes back into it, with its key and headers; where the key was missing or its
    partition wrong, the key is the customer's id, and the partition follows from the key. It goes back only if it is
    not older than the horizon of that partition. What is put back is remembered: doing it again changes nothing.
    Start the workers with the mended definitions first.

    Exit status: 0 done, also when nothing could go back; 1 the broker did not take a record; 2 no broker, wrong
    definitions, or others than those the workers count by.
    """
    settings = settings_from_environment()
    definitions = load_definitions(definitions_file or str(settings.definitions))
    try:
        check_topics(settings, ["customer-events", "dead-letters", "scope-parts"])
        ours = {settings.topic("customer-events"), *definitions.own_topics}
        letters = [held for held in read_letters(settings).of(reason) if held.letter.position.topic in ours]
        standing = read_standing(settings)
        other = standing.other_than(definitions.name, definitions.version)
        if other is not None:
            raise WrongInput(other)
        deciding = Deciding(
            definitions,
            partitions=settings.partitions,
            max_bytes=settings.max_record_bytes,
            now_us=lambda: time.time_ns() // 1000,
            watermarks=standing.watermarks,
            decode=_decoder(settings),
        )
        decisions = [deciding.decide(held) for held in letters]
        behind = records_behind(settings, standing)
        if behind:
            click.echo(
                f"the workers have {plural(behind, 'record')} still to read: one near the edge of the horizon may be "
                "too old when they come to it",
                err=True,
            )
        done = Counter[str]()
        if not dry_run and any(decision.outcome is Outcome.REPLAY for decision in decisions):
            producer = create_producer(settings)
            try:
                done = put_back(settings, producer, decisions)
            finally:
                producer.close()
    except (BrokerUnreachable, TopicsNotReady, NoAvro, RegistryUnreachable) as error:
        raise WrongInput(str(error)) from error
    except ReplayFailed as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    told = replayed(decisions, done, dry_run)
    if as_json:
        _print_json(told)
        return
    for line in _replay_lines(told):
        click.echo(line)


def _decoder(settings: Settings) -> Callable[[Sequence[RawRecord]], Sequence[RawRecord]]:
    """What reads records of own topics: Avro, too, where a registry is set."""
    if settings.schema_registry is None:
        return as_it_lies
    avro = AvroRecords(settings)

    def decode(records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        avro.fetch(avro.missing(records))
        return avro.read(records)

    return decode


def listing(letters: Sequence[Held], *, with_records: bool) -> dict[str, Any]:
    """The JSON of `list`."""
    found: dict[str, Any] = {
        "dead_letters": len(letters),
        "replayed": sum(held.replayed is not None for held in letters),
        "reasons": [_summary(summary) for summary in summarise(letters)],
    }
    if with_records:
        found["records"] = [_record(held) for held in letters]
    return found


def replayed(decisions: Iterable[Decision], done: Counter[str], dry_run: bool) -> dict[str, Any]:
    """The JSON of `replay`."""
    counts: Counter[str] = Counter()
    held_back: dict[tuple[str, str], dict[str, Any]] = {}
    for decision in decisions:
        counts[decision.outcome.value] += 1
        if decision.outcome in (Outcome.REPLAY, Outcome.ALREADY):
            continue
        letter = decision.held.letter
        line = held_back.setdefault(
            (decision.outcome.value, letter.reason.value),
            {"why": decision.outcome.value, "reason": letter.reason.value, "records": 0},
        )
        line["records"] += 1
        line["example"] = {**_place(decision.held), "detail": decision.detail}
    return {
        "dry_run": dry_run,
        "put_back": counts[Outcome.REPLAY.value],
        "sent": done["sent"],
        "found_sent": done["found"],
        "already_replayed": counts[Outcome.ALREADY.value],
        "held_back": sorted(held_back.values(), key=lambda line: (-line["records"], line["why"], line["reason"])),
    }


def _print_json(found: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(found) + b"\n")


def _summary(summary: ReasonSummary) -> dict[str, Any]:
    found: dict[str, Any] = {
        "reason": summary.reason,
        "records": summary.records,
        "replayed": summary.replayed,
        "topics": summary.topics,
    }
    if summary.first_ms is not None and summary.last_ms is not None:
        found["first"], found["last"] = _instant(summary.first_ms), _instant(summary.last_ms)
    if summary.example is not None:
        example = Held(summary.example)
        found["example"] = {**_place(example), "detail": summary.example.detail}
    return found


def _record(held: Held) -> dict[str, Any]:
    letter = held.letter
    found: dict[str, Any] = {
        **_place(held),
        "reason": letter.reason.value,
        "detail": letter.detail,
        "key": _base64(letter.key),
        "payload": _base64(letter.payload),
        "headers": [[name, _base64(value)] for name, value in letter.headers],
    }
    if letter.timestamp_ms is not None:
        found["at"] = _instant(letter.timestamp_ms)
    if held.replayed is not None:
        note = held.replayed
        found["replayed"] = {"topic": note.topic, "partition": note.partition, "offset": note.offset}
    return found


def _place(held: Held) -> dict[str, Any]:
    position = held.letter.position
    return {"topic": position.topic, "partition": position.partition, "offset": position.offset}


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _instant(milliseconds: int) -> str:
    return utc_text(milliseconds * 1000)


def _lines(letters: Sequence[Held], reason: str | None) -> Iterator[str]:
    if not letters:
        yield "no dead letters" + (f" of reason {reason}" if reason else "")
        return
    for summary in summarise(letters):
        put_back_already = f", {summary.replayed:,} of them put back" if summary.replayed else ""
        yield f"{summary.reason}: {plural(summary.records, 'record')}{put_back_already}"
        if summary.first_ms is not None and summary.last_ms is not None:
            yield f"  from {_instant(summary.first_ms)} to {_instant(summary.last_ms)}"
        for topic, count in summary.topics.items():
            yield f"  in {topic}: {count:,}"
        if summary.example is not None and reason is None:
            yield f"  as at {_where(Held(summary.example))}: {summary.example.detail}"
    if reason is None:
        return
    for held in letters[:SHOWN_RECORDS]:
        state = " (put back)" if held.replayed is not None else ""
        yield f"{_where(held)}{state}: {held.letter.detail}"
        yield f"  {_beginning(held.letter.payload)}"
    if len(letters) > SHOWN_RECORDS:
        yield f"... and {len(letters) - SHOWN_RECORDS:,} more; --json lists all"


def _where(held: Held) -> str:
    position = held.letter.position
    return f"{position.topic} partition {position.partition} offset {position.offset}"


def _beginning(payload: bytes | None) -> str:
    if payload is None:
        return "no value"
    text = payload[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    printable = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
    return printable + (f" ... ({len(payload):,} bytes)" if len(payload) > SHOWN_BYTES else "")


def _replay_lines(told: dict[str, Any]) -> Iterator[str]:
    if told["dry_run"]:
        yield f"{plural(told['put_back'], 'record')} would be put back"
    else:
        yield f"{plural(told['put_back'], 'record')} put back"
    if told["found_sent"]:
        yield f"  {told['found_sent']:,} of them lay there already, sent by a replay that was interrupted"
    if told["already_replayed"]:
        yield f"{told['already_replayed']:,} had been put back before"
    for line in told["held_back"]:
        yield f"{plural(line['records'], 'stays', 'stay')}, {line['why'].replace('_', ' ')} ({line['reason']})"
        at = line["example"]
        yield f"  as {at['topic']} partition {at['partition']} offset {at['offset']}: {at['detail']}"
