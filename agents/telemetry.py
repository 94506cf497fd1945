"""What the worker tells of itself: counters fed once per batch and flush, and the page of metrics."""

from typing import TYPE_CHECKING

from agents.transport import RecordBatch
from streams.facts.admission import AdmittedBatch

if TYPE_CHECKING:
    from agents.app import LedgerWorker


class Telemetry:
    """Watches the ledger agent."""

    def __init__(self) -> None:
        self.worker: LedgerWorker | None = None

    def attach(self, worker: "LedgerWorker") -> None:
        """Make the page of this worker's metrics."""
        self.worker = worker

    def batch_read(self, batch: RecordBatch, admitted: AdmittedBatch, now_us: int) -> None:
        """A batch was applied."""

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """A flush was delivered."""

    def page(self, accept: str) -> tuple[bytes, str]:
        """The metrics, and their content type."""
        return b"", "text/plain"

