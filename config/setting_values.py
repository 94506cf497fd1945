"""Reading the text of one setting: returns the value or raises ValueError with what is wanted."""

import re
from collections.abc import Callable

SECOND_US = 1_000_000
SPAN_UNITS_US = {
    "ms": 1_000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": 86_400 * SECOND_US,
}
SIZE_UNITS = {
    "": 1,
    "KB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
_KAFKA_NAME = re.compile(r"[A-Za-z0-9._-]{0,100}")
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]+):(?P<port>\d{1,5})")
_SPAN = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)")
_SIZE = re.compile(r"(?P<number>\d+)\s*(?P<unit>[KMG]i?B|)")


def read_text(text: str) -> str:
    """The text as it is."""
    return text


def read_url(text: str) -> str | None:
    """An address that begins with http:// or https://; None when it is empty. Raises: ValueError."""
    if text and not re.fullmatch(r"https?://[^\s/]+[^\s]*", text):
        raise ValueError("it is no address; write for example https://registry.example.com:8081")
    return text or None


def read_optional(text: str) -> str | None:
    """The text, or None when it is empty."""
    return text or None


def read_brokers(text: str) -> tuple[str, ...]:
    """Broker addresses `host:port`, separated by commas; a scheme (`kafka://`) is accepted and dropped."""
    brokers = tuple(part.strip().removeprefix("kafka://") for part in text.split(",") if part.strip())
    if not brokers:
        raise ValueError("is empty; give host:port, or several with commas between them")
    for broker in brokers:
        match = _BROKER.fullmatch(broker)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise ValueError(f"holds {broker!r}; an address is host:port, for example kafka-1:9092")
    return brokers


def read_whole(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number from `lowest` to `highest`, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is {text!r}; give a whole number from {lowest} to {highest}")
        return int(text)

    return read


def read_port(text: str) -> int:
    """A TCP port; 0 lets the system choose a free one."""
    if text.startswith("tcp://"):
        raise ValueError(
            f"is {text!r}, which Kubernetes sets for a Service of that name; "
            "give the pod `enableServiceLinks: false` or rename the Service"
        )
    return read_whole(0, 65535)(text)


def read_flag(text: str) -> bool:
    """Yes or no, in the usual spellings."""
    word = text.lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"is {text!r}; give true or false")


def read_choice(*choices: str) -> Callable[[str], str]:
    """One of a closed list of words, in any case."""

    def read(text: str) -> str:
        for choice in choices:
            if text.upper() == choice.upper():
                return choice
        raise ValueError(f"is {text!r}; give one of {', '.join(choices)}")

    return read


def read_span_us(lowest: str, highest: str) -> Callable[[str], int]:
    """A span of time such as `500ms`, `1s`, `15m`, `36h`, `3d`, in microseconds."""

    def read(text: str) -> int:
        span = _span_us(text)
        if span is None or not (_span_us(lowest) or 0) <= span <= (_span_us(highest) or 0):
            raise ValueError(
                f"is {text!r}; give a number with ms, s, m, h or d, from {lowest} to {highest}"
            )
        return span

    return read


def read_seconds(lowest: str, highest: str) -> Callable[[str], float]:
    """The same in seconds, for what the runtime waits."""
    read_us = read_span_us(lowest, highest)
    return lambda text: read_us(text) / SECOND_US


def read_size(lowest: str, highest: str) -> Callable[[str], int]:
    """A number of bytes such as `64MiB` or `500KB`."""

    def read(text: str) -> int:
        size = _size(text)
        if size is None or not (_size(lowest) or 0) <= size <= (_size(highest) or 0):
            raise ValueError(
                f"is {text!r}; give bytes, or a number with KiB, MiB or GiB, from {lowest} to {highest}"
            )
        return size

    return read


def read_name_prefix(text: str) -> str:
    """What stands before every topic or group name: nothing, or characters that Kafka allows in a name."""
    if not _KAFKA_NAME.fullmatch(text):
        raise ValueError(f"is {text!r}; use at most 100 letters, digits, dots, underscores and hyphens")
    return text


def _span_us(text: str) -> int | None:
    match = _SPAN.fullmatch(text)
    return round(float(match["number"]) * SPAN_UNITS_US[match["unit"]]) if match else None


def _size(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return int(match["number"]) * SIZE_UNITS[match["unit"]] if match else None
