"""The compiled reader admits what the Python code admits, byte by byte."""

import json
import resource
import sys
from random import Random
from typing import Any

import pytest

from config.definitions_file import load
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.models import RawRecord
from streams.facts.placement import partition_for
from tests.property.compiled import without_compiled_pieces

NATIVE = load("config/definitions/native.yaml")
AGREED = load("tests/property/agreed_words.yaml")
NOW = 1_770_000_000_000_000
PARTITIONS = 3

pytestmark = without_compiled_pieces(Admission(NATIVE)._quick is None)

TEXTS = (
    "", "a", "SMB", "Île-de-France", "x" * 60, "y" * 300, "a b", "\x7f", "č", "price", "Too dear", "spring", "ads",
)  # fmt: skip
NUMBERS = (0, 1, -1, 7, 10**9, 10**9 + 1, 10**15, 10**15 + 1, 10**17, 10**18, 2**63, -(2**63), 2**70, 1.5, 1e3, True)
TIMES = (
    "2024-02-29T23:59:59Z", "2023-02-29T00:00:00Z", "2024-03-01T11:00:00.123456+05:30",
    "2024-03-01T11:00:00.1234567Z",
    "2024-03-01T11:00:00", "2024-03-01t11:00:00z", "2024-03-01 11:00:00Z", "2024-03-01T11:00:60Z",
    "2024-03-01T24:00:00Z",
    "2024-03-01T11:00:00-00:00", "2024-03-01T11:00:00.Z", "2024-03-01T11:00:00.5-23:59", "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2199-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
    "2024-3-1T1:0:0Z",
    "2024-13-01T00:00:00Z", "2024-03-01T11:00:00+24:00", "2024-03-01T11:00Z", "0000-00-00T00:00:00Z", "",
    0, -1, 1_709_290_800_000, 10**15 - 1, 10**15, 2**63, 1.0, "1709290800000",
)  # fmt: skip
KINDS = (
    "joined", "purchased", "left", "value_changed", "profile_changed", "recommended", "opening", "staying", "leaving",
    "retracted", "heartbeat", "Left", "", "nothing",
)  # fmt: skip


def field(random: Random, name: str) -> Any:
    if random.random() < 0.05:
        return random.choice((None, [], {}, True, 3, "x", 1.0))
    match name:
        case "fact":
            return random.choice(KINDS[: random.choice((7, 14))])
        case "at" | "effective_at" | "since" | "last_fact_at":
            return random.choice(TIMES) if random.random() < 0.5 else 1_709_290_800_000 + random.randrange(10**6)
        case "customer_id" | "event_id":
            return random.choice(TEXTS) if random.random() < 0.2 else f"c-{random.randrange(50)}"
        case "value" | "count" | "sequence" | "amount":
            return random.choice(NUMBERS) if random.random() < 0.4 else random.randrange(100_000)
        case "by_recommendation":
            return random.choice((True, False, None, 1))
        case "kind":
            return random.choice((None, "voluntary", "payment", "", "lapsed"))
    return random.choice(TEXTS)


NAMES = (
    "silo", "value", "count", "sequence", "segment", "region", "product", "activity", "by_recommendation", "reason",
    "kind", "since", "last_fact_at", "amount", "effective_at", "other", "retracts",
)  # fmt: skip


def record(random: Random) -> RawRecord:
    names = ["fact", "at", "event_id", "customer_id"]
    names += random.sample(NAMES[: random.choice((13, len(NAMES)))], random.randrange(8))
    if random.random() < 0.3:
        random.shuffle(names)
    if random.random() < 0.03:
        names.append(random.choice(names))
    if random.random() < 0.05:
        names.pop(random.randrange(len(names)))
    pairs = [(name, field(random, name)) for name in names]
    blank = random.choice(("", "", " ", "\n\t"))
    ascii_only = random.random() < 0.2
    written = [f'"{n}"{blank}:{blank}{json.dumps(v, ensure_ascii=ascii_only)}' for n, v in pairs]
    value = (blank + "{" + blank + f"{blank},{blank}".join(written) + blank + "}" + blank).encode()
    if random.random() < 0.2:
        place = random.randrange(len(value))
        spoilt = random.choice((b"", b"\x00", b"\xff", b'"', b"\\", b"{", b",", b"0", b"-", b"e", b"\xc3"))
        value = value[:place] + spoilt + value[place + random.randrange(2) :]
    if random.random() < 0.02:
        value = value[: random.randrange(len(value))]
    owner = dict(pairs).get("customer_id")
    key = owner.encode() if isinstance(owner, str) and random.random() < 0.95 else random.choice((None, b"", b"c-1"))
    belongs = partition_for(key, PARTITIONS) if key else 0
    partition = belongs if random.random() < 0.95 else random.randrange(PARTITIONS)
    return RawRecord(value if random.random() < 0.99 else None, key, "t", partition, random.randrange(10**6), 5)


def without(admission: Admission) -> Admission:
    admission._quick = None
    return admission


@pytest.mark.parametrize("definitions", [NATIVE, AGREED], ids=["native", "agreed"])
@pytest.mark.parametrize("seed", range(8))
def test_every_record_has_the_verdict_of_the_python_code(seed: int, definitions: Any) -> None:
    random = Random(seed)
    settings: dict[str, Any] = {
        "now_us": (lambda: NOW) if seed % 2 else None, "partitions": PARTITIONS if seed % 3 else None,
        "check_keys": seed % 4 > 1, "max_bytes": 400 if seed == 5 else 512 * 1024,
    }  # fmt: skip
    compiled, plainly = Admission(definitions, **settings), without(Admission(definitions, **settings))
    quickly = 0
    for _ in range(60):
        records = [record(random) for _ in range(random.choice((1, 3, 60)))]
        told, expected = compiled.admit(records), plainly.admit(records)
        assert told == expected
        quickly += told.records_with_facts
    assert quickly > 100


def test_more_labels_than_places_are_kept_apart() -> None:
    random = Random(3)
    names = ("segment", "region", "product", "silo", "activity", "reason")
    records = []
    for n in range(20_000):
        labels = {name: f"s{random.randrange(9000)}" for name in names}
        fields = {"fact": "left", "at": 1_709_290_800_000 + n, "event_id": f"e{n}", "customer_id": "c", **labels}
        records.append(RawRecord(json.dumps(fields).encode()))
    compiled, plainly = Admission(NATIVE), without(Admission(NATIVE))
    assert compiled.admit(records) == plainly.admit(records)


def test_instants_follow_the_calendar() -> None:
    random = Random(1)
    records = []
    for n in range(20_000):
        year, month, day = random.randrange(1969, 2200), random.randrange(1, 13), random.randrange(1, 32)
        at = f"{year}-{month:02}-{day:02}T{n % 24:02}:59:01Z"
        records.append(RawRecord(f'{{"fact":"joined","at":"{at}","event_id":"e","customer_id":"c"}}'.encode()))
    assert Admission(NATIVE).admit(records) == without(Admission(NATIVE)).admit(records)


def test_no_memory_is_lost_and_no_reference() -> None:
    def admit(count: int) -> AdmittedBatch:
        random = Random(2)
        return Admission(NATIVE, partitions=PARTITIONS).admit([record(random) for _ in range(count)])

    admission = Admission(NATIVE)
    silo = admission._native_facts._default_silo
    kept = sys.getrefcount(silo)
    sound = RawRecord(b'{"fact":"joined","at":1,"event_id":"e","customer_id":"c"}')
    admission.admit([sound] * 1000)
    assert sys.getrefcount(silo) == kept
    admit(20_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        admit(20_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8192  # kilobytes
