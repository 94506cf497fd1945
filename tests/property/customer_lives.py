"""Lives of a few customers over months, as native records for the reference and as facts for the ledger."""

from dataclasses import asdict, fields
from random import Random

from streams.facts.models import Fact
from streams.ledger.movements import Movement
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND, Lapse, LedgerRules
from tests.reference.facts import fact_of, rfc3339

ZONES = ("UTC", "Europe/London", "Asia/Kathmandu", "America/St_Johns", "America/Sao_Paulo")
START = 1_300_000_000 * SECOND  # 13 March 2011: before the clock changes of both halves of the Earth
PAUSES = (0, 7 * SECOND, MINUTE, 20 * MINUTE, HOUR, 9 * HOUR, DAY, 6 * DAY, 33 * DAY)
LAPSE_AFTER = 40 * DAY
KINDS = (
    *("opening",) * 2,
    *("joined",) * 4,
    *("purchased",) * 3,
    *("left",) * 4,
    *("leaving",) * 2,
    "staying",
    *("value_changed",) * 3,
    *("profile_changed",) * 4,
    *("recommended",) * 4,
)


def reference_rules(zone: str, lapse: bool) -> dict:
    """Rules as the reference takes them."""
    named = {"after": LAPSE_AFTER, "restarted_by": ["purchased"]}
    return {"horizon": 36 * HOUR, "grouping": HOUR, "time_zone": zone, "lapse": named if lapse else None}


def ledger_rules(lapse: bool) -> LedgerRules:
    """The same rules as the ledger takes them."""
    return LedgerRules(lapse=Lapse(LAPSE_AFTER, frozenset({"purchased"})) if lapse else None)


def lives(random: Random, most: int = 40, pauses: tuple[int, ...] = PAUSES) -> list[dict]:
    """Native records in an order of arrival inside the horizon, most of it out of order."""
    at, arriving = START + random.randrange(400) * DAY, []
    for number in range(random.randrange(1, most)):
        at += random.choice(pauses)
        customer_id = random.choice("xyz")
        record = {
            "event_id": f"e{number:03d}",
            "at": rfc3339(at),
            "customer_id": customer_id,
            "silo": random.choice("ab"),
            "fact": random.choice(KINDS),
            "segment": random.choice((None, None, "A", "B")),
            "region": random.choice((None, None, "n", "s")),
            "product": random.choice((None, None, None, "p")),
            "value": random.choice((None, 0, 10, 25)),
        }
        match record["fact"]:
            case "left" | "leaving":
                record["reason"] = random.choice((None, "price", "moved"))
                record["effective_at"] = rfc3339(at + random.choice(pauses) + DAY)
                record["kind"] = random.choice((None, "voluntary", "payment"))
            case "opening":
                record["since"] = random.choice((None, rfc3339(at - 50 * DAY)))
            case "joined" | "purchased":
                record["activity"] = random.choice((None, "spring", "event"))
                record["by_recommendation"] = random.choice((None, True))
            case "recommended":
                record["count"] = random.choice((1, 3))
        arriving.append((at + random.randrange(30) * HOUR, {k: v for k, v in record.items() if v is not None}))
    return [record for _, record in sorted(arriving, key=lambda pair: pair[0])]


def facts_of(records: list[dict], rules: dict) -> list[Fact]:
    """The records as the ledger's facts."""
    names = {field.name for field in fields(fact_of(records[0], rules))} if records else set()
    found = []
    for record in records:
        given = {name: value for name, value in asdict(fact_of(record, rules)).items() if name in names}
        found.append(Fact(**given))
    return found


def changes_of(facts: list[Fact], rules: LedgerRules, clock: int) -> list[tuple[Movement, int]]:
    """Every movement derived or withdrawn, in order, up to a clock."""
    ledger = PartitionLedger(rules)
    ledger.apply(facts)
    ledger.advance(clock)
    return [(change.movement, change.sign) for change in ledger.changes]
