"""How many mentions a second one process reads, and merges: CPU time of each step of the live path.

    python -m benchmarks.voice [--data ../shared/data] [--rounds 3]

Mentions are tweets that people labelled, as native records: once with the label as stated sentiment, once without, so
that it is computed. Steps: stage one (records to digests), writing and reading digests, stage two (merging, judging,
the running windows).
"""

import csv
import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from config.definitions_file import load
from streams.facts.models import RawRecord
from streams.tables.watermark import ClockRules
from streams.voice.digest_log import DigestLog
from streams.voice.mentions import Digest
from streams.voice.merged import MergedVoice
from streams.voice.partition import PartitionVoice
from streams.voice.running import RunningVoice
from streams.voice.stage import VoiceStage

STATED = {"negative": -1, "neutral": 0, "positive": 1}
BATCH = 500
HORIZON_US = 36 * 3_600_000_000


@click.command()
@click.option("--data", default="../shared/data", type=click.Path(path_type=Path), help="Folder of the shared data.")
@click.option("--rounds", default=3, show_default=True, help="The best of so many is shown.")
def main(data: Path, rounds: int) -> None:
    """Mentions a second of CPU time, step by step."""
    with gzip.open(data / "airline-tweets" / "mentions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    definitions = load("native")
    records = {stated: [_record(row, place, stated) for place, row in enumerate(rows)] for stated in (True, False)}
    best: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        found = work()
        best[name] = max(best.get(name, 0.0), len(rows) / (time.process_time() - started))
        return found

    for _ in range(rounds):
        stage = VoiceStage(definitions)
        timed("stage one, sentiment stated", lambda stage=stage: _read(stage, records[True]))
        digests = timed("stage one, sentiment computed", lambda stage=stage: _read(stage, records[False]))
        partition = PartitionVoice(0, 1, (definitions.name, definitions.version), stage, ClockRules())
        partition.apply(records[False], len(rows))
        flush = timed("digests written", lambda partition=partition: partition.flush(0))
        timed("digests read", lambda flush=flush: [DigestLog().take(0, value) for value in flush.digests])
        timed("stage two", lambda digests=digests: _merge(digests))
    size = sum(map(len, flush.digests)) / len(rows)
    click.echo(f"{len(rows):,} mentions, best of {rounds}; digests of {size:.0f} bytes")
    for name, speed in best.items():
        click.echo(f"{name:<32}{speed:>12,.0f} mentions/s")


def _record(row: dict[str, str], place: int, stated: bool) -> RawRecord:
    fields: dict[str, Any] = {
        "mention_id": row["mention_id"], "at": row["created_at"], "author_id": row["author_id"], "channel": "social",
        "brand": row["brand_label"], "text": row["text"],
    }  # fmt: skip
    if stated:
        fields["sentiment"] = STATED[row["sentiment"]]
    return RawRecord(orjson.dumps(fields), row["author_id"].encode(), "social-mentions", 0, place, 0)


def _read(stage: VoiceStage, records: list[RawRecord]) -> list[Digest]:
    found: list[Digest] = []
    for first in range(0, len(records), BATCH):
        found += stage.read(records[first : first + BATCH]).digests
    return found


def _merge(digests: list[Digest]) -> MergedVoice:
    tables = RunningVoice()
    voice = MergedVoice(load("native").voice.copies, tables, changes=True)
    for first in range(0, len(digests), BATCH):
        piece = digests[first : first + BATCH]
        voice.add(piece)
        voice.advance(piece[-1].at, HORIZON_US)
        tables.advance(piece[-1].at)
    return voice


if __name__ == "__main__":
    main()
