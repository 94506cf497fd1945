"""What was handed on and is not yet committed, per partition: the bookkeeping that a commit rests on."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from faust.types import TP

from agents.transport.records import RecordBatch


class InFlight:
    """Messages in the order in which they were handed on, and the offset up to which all of them were acknowledged.

    It goes by the identity of messages, not by their offsets: a stale acknowledgement of an earlier assignment, or of
    the same offset read before, belongs to a message that is no longer here, so it cannot move a commit. The flag
    `acked` of the message is all it reads, since that is what both of Faust's ways of acknowledging set: the Cython
    stream iterator never calls `Consumer.ack`.
    """

    def __init__(self) -> None:
        self._messages: dict[TP, deque[Any]] = {}
        self._safe: dict[TP, int] = {}

    def deliver(self, tp: TP, message: Any) -> None:
        """Note a message about to be handed on; must come before it can possibly be acknowledged."""
        queue = self._messages.get(tp)
        if queue is None:
            queue = self._messages[tp] = deque()
        queue.append(message)

    def safe_offset(self, tp: TP) -> int | None:
        """The offset that may be committed: one after the last message before the first unacknowledged one.

        None when nothing was acknowledged since the partition was assigned or sought. It never goes back.
        """
        queue = self._messages.get(tp)
        if queue:
            while queue and queue[0].acked:
                message = queue.popleft()
                self._safe[tp] = message.offset + 1
                _uncount(message)
        return self._safe.get(tp)

    def clear(self, tps: Iterable[TP] | None = None) -> None:
        """Forget the messages of these partitions, or of all: they will be read again, by whoever owns them then."""
        for tp in list(self._messages) if tps is None else tps:
            for message in self._messages.pop(tp, ()):
                _uncount(message)
        if tps is None:
            self._safe.clear()
        else:
            for tp in tps:
                self._safe.pop(tp, None)

    def partitions(self) -> list[TP]:
        """Partitions with messages in flight or an offset that may be committed."""
        return list(self._messages.keys() | self._safe.keys())

    def unacked(self, tp: TP) -> list[Any]:
        """Messages of the partition that are not acknowledged, oldest first."""
        return [message for message in self._messages.get(tp, ()) if not message.acked]

    def messages(self, tp: TP) -> list[Any]:
        """Messages of the partition not yet counted into the safe offset, oldest first."""
        return list(self._messages.get(tp, ()))


def _uncount(message: Any) -> None:
    if isinstance(message.value, RecordBatch):
        message.value.uncount()
