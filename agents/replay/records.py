"""Records of a data set: rows turned into keyed JSON values, the feeds of several files merged by event time."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson

from agents.replay.datasets import Deadline, Feed
from agents.replay.rows import Progress, read_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Outgoing(NamedTuple):
    """A record on its way out. `at_us` is its event time, None when the row has none."""

    topic: str
    key: bytes | None
    value: bytes
    at_us: int | None


def read_records(
    feeds: Iterable[Feed], paths: Mapping[str, Path], progress: Progress
) -> Iterator[Outgoing]:
    """All records of these feeds, in event time as far as each file is in time order.

    Args:
        feeds: what to read; feeds of several files are merged by event time.
        paths: file name without ending to path, as `find_files` gives it.
        progress: counts the bytes read and the rows left out.
    Raises: UnreadableData, of a file.
    """
    streams = []
    for feed in feeds:
        progress.total += paths[feed.file].stat().st_size
        records = _records_of(feed, paths[feed.file], progress)
        streams.append(records if feed.in_time_order else _sorted(records))
    if len(streams) == 1:
        return streams[0]
    return heapq.merge(*streams, key=_order)


def read_values(feeds: Iterable[Feed], paths: Mapping[str, Path], progress: Progress) -> Iterator[bytes]:
    """The same records, values alone. The times of a lone file in time order need not be read for that."""
    feeds = tuple(feeds)
    if len(feeds) != 1 or not feeds[0].in_time_order:
        return (record.value for record in read_records(feeds, paths, progress))
    progress.total += paths[feeds[0].file].stat().st_size
    return (value for _, value in _encoded_rows(feeds[0], paths[feeds[0].file], progress))


def instant_us(text: str, zone: ZoneInfo) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 date or time; of none, or one that cannot be read, None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // _MICROSECOND


def _encoded_rows(feed: Feed, path: Path, progress: Progress) -> Iterator[tuple[dict[str, str], bytes]]:
    rows = read_rows(path, feed.columns, progress)
    for row in rows if feed.deadline is None else _as_due(rows, feed.deadline):
        try:
            value = orjson.dumps(row)
        except orjson.JSONEncodeError:
            progress.bad.add(path, None, "a row that is not UTF-8")
            continue
        yield row, value


def _records_of(feed: Feed, path: Path, progress: Progress) -> Iterator[Outgoing]:
    topic, keys, times, zone = feed.topic, feed.key, feed.times, ZoneInfo(feed.zone)
    for row, value in _encoded_rows(feed, path, progress):
        key = next((row[column] for column in keys if row[column]), "")
        time = next((row[column] for column in times if row[column]), "")
        yield Outgoing(topic, key.encode() or None, value, instant_us(time, zone) if time else None)


def _as_due(rows: Iterable[dict[str, str]], deadline: Deadline) -> Iterator[dict[str, str]]:
    """Rows as they stood when something was due; times of one file are all of one zone."""
    for row in rows:
        try:
            due = datetime.fromisoformat(row[deadline.column]) + timedelta(days=deadline.days_after)
        except ValueError:
            continue
        later = {name: "" for name in deadline.known_by if _is_later(row[name], due)}
        yield row | later | {"due": deadline.name, "due_at": due.isoformat()}


def _is_later(text: str, due: datetime) -> bool:
    try:
        return datetime.fromisoformat(text) > due
    except (ValueError, TypeError):
        return False


def _sorted(records: Iterator[Outgoing]) -> Iterator[Outgoing]:
    yield from sorted(records, key=_order)


def _order(record: Outgoing) -> int:
    return -1 if record.at_us is None else record.at_us
