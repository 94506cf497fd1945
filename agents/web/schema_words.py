"""Words to write JSON Schemas with: every property has its meaning beside it."""

from typing import Any

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(about: str, **properties: Schema) -> Schema:
    """An object with these properties, all required but those marked with `maybe`."""
    required = [name for name, schema in properties.items() if not schema.get("x-maybe-absent")]
    kept = {
        name: {key: value for key, value in schema.items() if key != "x-maybe-absent"}
        for name, schema in properties.items()
    }
    return {"type": "object", "description": about, "required": required, "properties": kept}


def maybe(schema: Schema) -> Schema:
    """A property that may be absent."""
    return {**schema, "x-maybe-absent": True}


def text(about: str) -> Schema:
    """A string."""
    return {"type": "string", "description": about}


def instant(about: str) -> Schema:
    """An instant, RFC 3339."""
    return {"type": "string", "format": "date-time", "description": f"{about} (RFC 3339, UTC)"}


def count(about: str) -> Schema:
    """A whole number, zero or more."""
    return {"type": "integer", "minimum": 0, "description": about}


def whole(about: str) -> Schema:
    """A whole number with a sign."""
    return {"type": "integer", "description": about}


def number(about: str) -> Schema:
    """A number."""
    return {"type": "number", "description": about}


def flag(about: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": about}


def ref(name: str, about: str) -> Schema:
    """A reference with what it is there for."""
    return {**reference(name), "description": about}


def list_of(about: str, items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "description": about, "items": items}


def named(about: str, values: Schema) -> Schema:
    """An object whose names are data."""
    return {"type": "object", "description": about, "additionalProperties": values}


def counts(about: str) -> Schema:
    """Counts by name."""
    return named(about, {"type": "integer", "minimum": 0})


def amount(about: str) -> Schema:
    """Customers and value."""
    return ref("Amount", about)
