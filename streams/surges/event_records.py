"""What is told of a surge on the topic `surges`."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams.surges.actions import Action
from streams.surges.series import Series
from streams.surges.surge import SurgeEvent
from streams.tables.calendar import utc_text


def event_record(
    event: SurgeEvent, number: int, actions: Mapping[str, Action], examples: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """Key and value of an event on the topic `surges`; told again it has the same number and bytes."""
    surge = event.surge
    value: dict[str, Any] = {"what": event.what.value, "at": utc_text(event.at), "number": number} | surge.shown()
    if surge.actions:
        value["actions"] = [
            {"action_id": one, "kind": actions[one].kind, "text": actions[one].text}
            for one in surge.actions
            if one in actions
        ]
    if examples:
        value["examples"] = list(examples)
    return series_name(surge.series).encode(), orjson.dumps(value)


def series_name(key: Series) -> str:
    """A series as one text: `unhappy_mentions/brand=acme,topic=late parcel`."""
    labels = ",".join(f"{label}={value}" for label, value in key.labels)
    return f"{key.measure}/{labels}" if labels else key.measure
