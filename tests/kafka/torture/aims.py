"""Short schedules, each aimed at one rule: for the seeded bugs, and for what the suite has once found."""

from tests.kafka.torture.schedules import SESSION_S, Event, Schedule

SEED = 4
GOES = 3
"""Seeds from that one on by which a seeded bug may be found: when a death falls depends on the machine, too."""

RECORDS = 2500


def _aimed(*fates: tuple[str, ...], kills: int, seconds: float = 9.0, events: tuple[Event, ...] = ()) -> Schedule:
    return Schedule(
        SEED, "kills", len(fates), RECORDS, seconds, kills, events, fates, patience_s=40.0, pause_s=2.0 * SESSION_S,
    )


AIMS = {
    # Each of the four partitions passes by with every flush: the first death comes when much has been saved.
    "cut off in the changelog": _aimed(
        ("die@changelog-half:14", "die@changelog-half:1", "die@changelog-few:1"), kills=3, seconds=15.0
    ),
    "before the commit": _aimed(("die@before-commit:1", "die@before-commit:1", "die@before-commit:1"), kills=3),
    "after the flush": _aimed(("die@flushed-many:1",) * 3, kills=3, seconds=15.0),
    "partitions taken away": _aimed(("",), ("",), kills=1, seconds=12.0, events=(Event(6.0, "kill", 1),)),
    # The first owner sends its flush when the second has gone on; the third reads what both have left behind.
    "a paused owner delivers late": _aimed(
        ("haunt@flush-built:6",), ("",), kills=1, seconds=22.0,
        events=(Event(22.0, "kill", 1), Event(22.1, "kill", 0)),
    ),
    # Nobody is in the group when the first owner comes back, and what it has just flushed is void.
    "a paused owner finds the group empty": _aimed(
        ("haunt@parts-half:5", ""), ("die@restored:4", "", ""), kills=1, seconds=28.0,
        events=(Event(0.1, "leave", 1), Event(8.0, "join", 1), Event(8.1, "leave", 1)),
    ),
}
"""What happens to the schedule in which it happens."""

AIMED_AT = {
    "commit-before-the-barrier": "cut off in the changelog",
    "commit-past-the-first-unacked": "cut off in the changelog",
    "progress-before-the-values": "cut off in the changelog",
    "unfinished-flush-counts": "cut off in the changelog",
    "parts-not-rewritten": "cut off in the changelog",
    "stamp-off-by-one": "before the commit",
    "stamp-one-short": "before the commit",
    "redelivery-not-skipped": "before the commit",
    "dead-letters-after-the-flush": "after the flush",
    "movements-after-the-flush": "after the flush",
    "export-after-revocation": "partitions taken away",
    "epoch-not-claimed": "a paused owner delivers late",
}
"""Seeded bug to the schedule that finds it."""
