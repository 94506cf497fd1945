"""Keeps what the search of subsets has learnt for workers that begin: written once an hour by one of them."""

from collections.abc import Callable

from faust.types import TP

from agents.health_company import HealthCompany
from agents.transport import BatchTransport
from config.settings import Settings
from streams.health.live.parts import MEMORY_PART, HealthKey, key_of_part, pack_part
from streams.ledger.rules import HOUR

PLACE = 0
"""The partition whose owner writes."""


class HealthMemoryWriter:
    """Writes to `health-parts`, under the epoch of the partition's owner."""

    def __init__(
        self, transport: BatchTransport, settings: Settings, company: HealthCompany,
        epoch: Callable[[], int | None],
    ) -> None:
        """`epoch`: of the owner of the partition PLACE, if it is here."""
        self._transport = transport
        self._topic = settings.topic("health-parts")
        self._source = settings.topic("qos-signals")
        self._company = company
        self._epoch = epoch
        self._hour: int | None = None

    def write(self) -> None:
        """Write what was learnt, if an hour of event time has passed since that was last done or looked at."""
        clock, epoch = self._company.health.clock, self._epoch()
        if clock is None or not self._company.complete:
            return
        hour, before = clock // HOUR, self._hour
        self._hour = hour
        if before in (None, hour) or epoch is None or PLACE not in self._company.owned():
            return
        for (service, stage), memory in self._company.health.memories():
            key = key_of_part(HealthKey(PLACE, MEMORY_PART, service, stage))
            value = pack_part(0, memory, epoch)
            self._transport.barrier.send(TP(self._source, PLACE), self._topic, PLACE, key, value)
