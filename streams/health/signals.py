"""Signals and statuses: what a customer experienced, and what operations say of a service.

Instants are microseconds since 1970 (UTC), latencies microseconds. None means that the source was silent.
"""

from enum import IntEnum

import msgspec

MAX_LATENCY_US = 1e15
"""Some thirty years; a latency above it is a fault of the source."""

MAX_CUSTOMERS = 10**9
"""Customers that one signal stands for; more is a fault of the source."""

MAX_ATTRIBUTES = 32
"""Attributes of one signal."""


class Signal(msgspec.Struct, gc=False):
    """One interaction of one customer with one service at one stage of the journey.

    Attributes:
        latency_us: how long it took, zero or more.
        attributes: name to value, as the source states them.
        customers: how many customers it stands for; above 1 counts are sums, not distinct.
        synthetic: a probe, no customer.
    """

    at: int
    event_id: str
    customer_id: str
    service: str
    stage: str
    ok: bool
    latency_us: float | None = None
    attributes: dict[str, str] | None = None
    customers: int = 1
    synthetic: bool = False


class Level(IntEnum):
    """What operations say of a service, best first."""

    UP = 0
    DEGRADED = 1
    DOWN = 2


LEVELS = {"up": Level.UP, "degraded": Level.DEGRADED, "down": Level.DOWN}


class Status(msgspec.Struct, gc=False, frozen=True):
    """What operations say of a service from an instant on; stage or region None: of all of them."""

    at: int
    service: str
    stage: str | None
    region: str | None
    level: Level
