from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from agents.replay.datasets import DATASETS, Deadline, Feed, files_of
from agents.replay.finding import find_files
from agents.replay.records import instant_us, read_records, read_values
from agents.replay.rows import Progress
from agents.topics import BY_NAME, Direction

BUYS = Feed("buys", "customer-events", ("customer_id",), ("at",), "Europe/London")
LEADS = Feed("leads", "customer-events", ("seller_id", "lead_id"), ("won_at", "first_on"), in_time_order=False)


def write(folder: Path, name: str, text: str) -> dict[str, Path]:
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return {name: path}


def test_a_record_is_the_row_with_all_columns_in_order_and_texts_as_they_stand(tmp_path: Path) -> None:
    paths = write(tmp_path, "buys", "customer_id,at,value,note\nc_1,2024-07-01T10:00:00,007.50,\n")
    (record,) = read_records([BUYS], paths, Progress())
    assert record.topic == "customer-events"
    assert record.key == b"c_1"
    assert record.value == b'{"customer_id":"c_1","at":"2024-07-01T10:00:00","value":"007.50","note":""}'
    assert record.at_us == instant_us("2024-07-01T09:00:00Z", ZoneInfo("UTC"))


def test_the_first_column_that_is_not_empty_gives_key_and_time(tmp_path: Path) -> None:
    rows = "l1,s1,2024-01-02,2024-03-01\nl2,,2024-01-03,\n"
    paths = write(tmp_path, "leads", "lead_id,seller_id,first_on,won_at\n" + rows)
    records = list(read_records([LEADS], paths, Progress()))
    assert [record.key for record in records] == [b"l2", b"s1"]
    assert [record.at_us for record in records] == [
        instant_us(day, ZoneInfo("UTC")) for day in ("2024-01-03", "2024-03-01")
    ]


def test_an_empty_key_is_none_and_a_time_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    paths = write(tmp_path, "buys", "customer_id,at\n,soon\n")
    (record,) = read_records([BUYS], paths, Progress())
    assert record.key is None
    assert record.at_us is None


def test_feeds_of_one_topic_are_merged_by_event_time_and_printed_in_the_same_order(tmp_path: Path) -> None:
    paths = write(tmp_path, "buys", "customer_id,at\nb1,2024-01-01\nb2,2024-02-01\n")
    rows = "l1,,2024-01-20,2024-03-01\nl2,,2024-01-15,\n"
    paths |= write(tmp_path, "leads", "lead_id,seller_id,first_on,won_at\n" + rows)
    records = list(read_records([BUYS, LEADS], paths, Progress()))
    assert [record.key for record in records] == [b"b1", b"l2", b"b2", b"l1"]
    assert list(read_values([BUYS, LEADS], paths, Progress())) == [record.value for record in records]
    assert list(read_values([LEADS], paths, Progress())) == [records[1].value, records[3].value]


def test_a_row_is_told_when_something_was_due_as_it_stood_then(tmp_path: Path) -> None:
    rows = "b1,2024-03-01T12:00:00,2024-03-01T11:00:00,2024-03-20T10:00:00,2024-03-19\n"
    rows += "b2,2024-03-01T12:00:00,2024-03-01T12:00:01,,2024-03-18\nb3,,,,\n"
    paths = write(tmp_path, "orders", "customer_id,limit,sent,came,promised\n" + rows)
    feeds = [
        Feed("orders", "qos-signals", ("customer_id",), ("due_at",), in_time_order=False, deadline=deadline)
        for deadline in (
            Deadline("sending", "limit", known_by=("sent", "came")),
            Deadline("coming", "promised", days_after=1, known_by=("sent", "came")),
        )
    ]  # fmt: skip
    records = list(read_records(feeds, paths, Progress()))
    told = [orjson.loads(record.value) for record in records]
    assert [(one["customer_id"], one["due"], one["due_at"], one["sent"], one["came"]) for one in told] == [
        ("b1", "sending", "2024-03-01T12:00:00", "2024-03-01T11:00:00", ""),
        ("b2", "sending", "2024-03-01T12:00:00", "", ""),
        ("b2", "coming", "2024-03-19T00:00:00", "2024-03-01T12:00:01", ""),
        ("b1", "coming", "2024-03-20T00:00:00", "2024-03-01T11:00:00", ""),
    ]
    assert records[2].at_us == instant_us("2024-03-19", ZoneInfo("UTC"))
    assert list(read_values(feeds, paths, Progress())) == [record.value for record in records]


def test_a_file_out_of_time_order_is_sent_as_it_lies(tmp_path: Path) -> None:
    paths = write(tmp_path, "buys", "customer_id,at\nb1,2024-02-01\nb2,2024-01-01\n")
    assert [record.key for record in read_records([BUYS], paths, Progress())] == [b"b1", b"b2"]
    assert [orjson.loads(value)["customer_id"] for value in read_values([BUYS], paths, Progress())] == ["b1", "b2"]


def test_a_row_that_is_not_utf8_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "buys.csv"
    path.write_bytes(b"customer_id,at\nc_\xff,2024-01-01\nc_2,2024-01-01\n")
    progress = Progress()
    assert [record.key for record in read_records([BUYS], {"buys": path}, progress)] == [b"c_2"]
    assert progress.bad.count == 1
    assert progress.bad.first == "buys.csv: a row that is not UTF-8"


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        pytest.param("2011-03-27T00:30:00", "Europe/London", "2011-03-27T00:30:00Z", id="winter"),
        pytest.param("2011-05-01T00:00:00", "Europe/London", "2011-04-30T23:00:00Z", id="summer"),
        pytest.param("2017-01-01", "America/Sao_Paulo", "2017-01-01T02:00:00Z", id="a_date"),
        pytest.param("2017-01-01T00:00:00Z", "America/Sao_Paulo", "2017-01-01T00:00:00Z", id="its_own_zone_holds"),
    ],
)
def test_times_without_a_zone_are_read_in_that_of_the_feed(text: str, zone: str, utc: str) -> None:
    assert instant_us(text, ZoneInfo(zone)) == instant_us(utc, ZoneInfo("UTC"))


def test_every_feed_goes_to_an_input_topic_and_no_set_names_a_feed_twice() -> None:
    for dataset in DATASETS.values():
        pairs = [(feed.file, feed.topic, feed.deadline) for feed in dataset.feeds]
        assert len(set(pairs)) == len(pairs)
        assert all(BY_NAME[feed.topic].direction is Direction.IN for feed in dataset.feeds)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "topic", "count"),
    [
        ("telco-churn", "customer-events", 4_914),
        ("online-retail", "customer-events", 33_337),
        ("olist", "customer-events", 7_869 + 4_171),
        ("olist", "qos-signals", 7_247 + 7_869),
        ("olist", "survey-responses", 7_936),
        ("airline-tweets", "social-mentions", 13_093),
        ("nyc-flights", "qos-signals", 166_158),
        ("nyc-flights", "service-status", 166_158),
        ("cloud-monitoring", "qos-signals", 35_878),
    ],
)
def test_the_shared_data_give_every_row_in_time_order(name: str, topic: str, count: int) -> None:
    feeds = DATASETS[name].of_topic(topic)
    progress = Progress()
    rows, last = 0, 0
    for record in read_records(feeds, find_files(name, files_of(feeds)), progress):
        rows += 1
        assert record.key
        assert (record.at_us is None) == (name == "telco-churn")
        assert (record.at_us or 0) >= last
        last = record.at_us or 0
    assert rows == count
    assert progress.bad.count == 0
    assert progress.read == progress.total
