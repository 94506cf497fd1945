"""Being measured from outside: read a topic to its expected end, be durable, say when, and what was counted."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import time
from typing import TYPE_CHECKING

import orjson

from agents.partition_state import Admitted
from agents.transport import RecordBatch
from agents.trial.ports import free_port
from config.settings import Settings

if TYPE_CHECKING:
    from agents.app import LedgerWorker

logger = logging.getLogger(__name__)


class MeasureFault(ValueError):
    """The environment does not say what to measure."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the environment asks for: which topic, how many records, under which names the worker keeps its own."""

    topic: str
    expected: int
    settings: Settings


def measured(environ: Mapping[str, str], settings: Settings) -> Measured:
    """Read BROKER, TOPIC, GROUP, EXPECT_N, PARTITIONS and WORK_DIR.

    Raises: MeasureFault, naming what is missing or wrong.
    """
    missing = [name for name in ("BROKER", "TOPIC", "GROUP", "EXPECT_N", "PARTITIONS") if not environ.get(name)]
    if missing:
        raise MeasureFault(f"--measure needs {', '.join(missing)} in the environment")
    try:
        expected, partitions = int(environ["EXPECT_N"]), int(environ["PARTITIONS"])
    except ValueError as error:
        raise MeasureFault(f"EXPECT_N and PARTITIONS are whole numbers: {error}") from error
    prefix = f"{environ['GROUP']}."
    asked = replace(
        settings, kafka_brokers=tuple(environ["BROKER"].split(",")), topic_prefix=prefix, group_prefix=prefix,
        partitions=partitions, web_port=free_port(settings.web_port),
    )  # fmt: skip
    return Measured(environ["TOPIC"], expected, asked)


class Measurement:
    """Watches the ledger agent until every expected record is handled and durable, then prints and ends."""

    def __init__(self, asked: Measured) -> None:
        self._asked = asked
        self._handled = 0
        self._t_first = 0.0
        self._t_last = 0.0
        self._t_durable = 0.0

    def batch_read(self, feed: str, batch: RecordBatch, admitted: Admitted, now_us: int) -> None:
        """Note when the first record was handed on and the last one handled."""
        now = time()
        if not self._handled:
            self._t_first = now
        self._handled += admitted.records
        if self._handled >= self._asked.expected and not self._t_last:
            self._t_last = now

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """Nothing: what counts is the commit after it."""

    async def watch(self, worker: "LedgerWorker") -> None:
        """Look whether all is committed; then whether the tables are whole; then print the line and end."""
        if not self._t_last:
            return
        if not self._t_durable:
            handled = {number: books.next_offset for number, books in worker.ledger.books.items()}
            committed = {status.partition: status.committed for status in worker.app.transport.status()}
            if all(committed.get(number) == offset for number, offset in handled.items() if offset):
                self._t_durable = time()
            return
        company = worker.company
        largest = max(books.ledger.watermark for books in worker.ledger.books.values())
        told = {number: books.next_offset or 0 for number, books in worker.ledger.books.items()}
        settled = all(books.ledger.clock >= largest for books in worker.ledger.books.values())
        if company.clock is None or company.clock < largest or company.offsets() != told or not settled:
            return
        if worker.ledger.has_unwritten:
            return
        line = {
            "n": self._handled, "t_first": self._t_first, "t_last": self._t_last, "t_durable": self._t_durable,
            "durable": True, "totals": company.total(), "accounting": company.accounting(),
        }  # fmt: skip
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        sys.stdout.buffer.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        self._t_last = 0.0
