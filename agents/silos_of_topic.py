"""Each silo's own count against the company's, from the records that `customer-events` keeps.

A running worker holds no movements of silos; so the topic is counted again, partition by partition, as the workers
count it: what intake wrote twice once, and nothing of what partitions told each other, as that follows from the rest.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agents.dead_letter_replay import read_letters
from agents.topic_reading import read_topic
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.intake.origins import Origins, agreement_of
from streams.intake.rules import CUSTOMER_EVENTS
from streams.ledger.handover_records import is_handover
from streams.silos.recount import SiloRecount


def silos_of_topic(
    settings: Settings, definitions: Definitions, until: int | None,
    on_records: Callable[[int, int], None] = lambda _, __: None,
) -> dict[str, Any]:
    """What `SiloRecount.explained` says of all that is kept, up to an instant (microseconds).

    Of records that intake refused only the number is told, by silo where they name a customer: they never came to
    the topic.

    Raises: BrokerUnreachable.
    """
    recount = SiloRecount(definitions, partitions=settings.partitions, until=until, now_us=wall_clock_us)
    agreement = agreement_of(definitions.name, definitions.version)
    origins = [Origins(agreement) for _ in range(settings.partitions)]
    topic = settings.topic(CUSTOMER_EVENTS)

    def take(partition: int, records: Sequence[Any]) -> None:
        told = [
            RawRecord(
                record.value, record.key, topic, partition, record.offset, record.timestamp, tuple(record.headers)
            )
            for record in records if not is_handover(record.headers)
        ]  # fmt: skip
        recount.add(origins[partition].fresh(told))

    read_topic(settings, CUSTOMER_EVENTS, take, on_records)
    if definitions.own_topics:
        letters = [held.letter for held in read_letters(settings).of() if held.replayed is None]
        recount.note_refused(letter for letter in letters if letter.position.topic in definitions.own_topics)
    return recount.explained(recount.finish())
