"""Units of metrics, as the catalogue, the boards and docs/metrics.md name them, and metrics as plain data."""

NOTHING = ""
CUSTOMERS = "customers"
CURRENCY = "currency"
"""Major units of the definitions' currency: `netgrowth_definitions_info` says which."""
RECORDS = "records"
BYTES = "bytes"
RATIO = "ratio"
SECONDS = "seconds"
TIMESTAMP = "timestamp"
"""Seconds since 1970 UTC: rules and boards show the age, `time() - x`."""

Described = tuple[str, str, str, tuple[str, ...]]
"""A metric as plain data: name, unit, help text, labels."""


def described(name: str, unit: str, about: str, *labels: str) -> Described:
    """A metric as plain data."""
    return name, unit, about, labels
