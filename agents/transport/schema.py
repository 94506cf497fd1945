"""A topic whose events carry whole batches of undecoded records."""

from collections.abc import Awaitable, Callable
from typing import Any

from faust import App, Schema
from faust.types import EventT, Message


class BatchSchema(Schema):
    """Wraps a batch in an event without decoding: `event.value` is a `RecordBatch`."""

    def compile(
        self, app: App, *, on_key_decode_error: Any = None, on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Callable[..., Awaitable[EventT]]:
        """Return the function by which a topic turns a message into an event."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT:
            event: EventT = create_event(None, message.value, {}, message=message)
            return event

        return decode


def batch_schema() -> BatchSchema:
    """Schema of a topic that is read in batches."""
    return BatchSchema(key_serializer="raw", value_serializer="raw")


def batch_topic(app: App, name: str, partitions: int | None = None) -> Any:
    """Declare a topic that agents read in batches; it must exist on the broker.

    Raises: TypeError when the app has another transport, which would hand on single records.
    """
    batch_topics: set[str] | None = getattr(app.transport, "batch_topics", None)
    if batch_topics is None:
        raise TypeError("the app has no BatchTransport; set app.transport before topics are declared")
    batch_topics.add(name)
    return app.topic(name, schema=batch_schema(), partitions=partitions, allow_empty=True)
