"""Records in a schema registry's wire format, read with the extra `avro`: to the JSON that the definitions know.

A record begins with a byte 0 and the number of its schema (Confluent's wire format); the registry gives the schema by
this number, once. A schema never changes under its number, so reading a record again gives the same.
"""

import base64
import importlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

from config.settings import Settings
from streams.facts.models import RawRecord

MAGIC = 0
HEAD_BYTES = 5
TRIES, PAUSE_S, TIMEOUT_S = 5, 2.0, 5.0
"""How often a registry that does not answer is asked, and how long between two tries."""


class RegistryUnreachable(Exception):
    """The registry does not answer, or refuses: records cannot be read, and none of them is to blame."""


class NoAvro(Exception):
    """A registry is set, and the extra that reads its records is not installed."""


class AvroRecords:
    """Reads Avro records; schemas are kept for as long as the process runs."""

    def __init__(self, settings: Settings) -> None:
        """Raises: NoAvro; ValueError when no registry is set."""
        if settings.schema_registry is None:
            raise ValueError("NETGROWTH_SCHEMA_REGISTRY is not set")
        try:
            self._avro: Any = importlib.import_module("fastavro")
        except ImportError as error:
            raise NoAvro(
                "NETGROWTH_SCHEMA_REGISTRY is set, and Avro cannot be read: pip install 'netgrowth[avro]'"
            ) from error
        self._url = settings.schema_registry.rstrip("/")
        self._login = settings.schema_registry_login
        self._schemas: dict[int, Any] = {}

    def missing(self, records: Iterable[Any]) -> set[int]:
        """Numbers of schemas that these records name and that have not been asked for yet."""
        named = {schema_of(record.value) for record in records}
        return {number for number in named if number is not None and number not in self._schemas}

    def fetch(self, numbers: Iterable[int]) -> None:
        """Ask the registry for schemas; it may take seconds. One that it does not know is remembered as such.

        Raises: RegistryUnreachable.
        """
        for number in numbers:
            self._schemas[number] = self._asked(number)

    def read(self, records: Sequence[RawRecord]) -> list[RawRecord]:
        """The records, those in the wire format as JSON; one that cannot be read stays as it is, to be refused."""
        return [self._read(record) for record in records]

    def _read(self, record: RawRecord) -> RawRecord:
        number = schema_of(record.value)
        schema = None if number is None else self._schemas.get(number)
        if schema is None or record.value is None:
            return record
        stream = BytesIO(record.value[HEAD_BYTES:])
        try:
            found = self._avro.schemaless_reader(stream, schema, None)
            value = json.dumps(found, default=_plain, allow_nan=False).encode()
        except Exception:  # whatever a library raises for bytes that are not of the schema
            return record
        if stream.read(1):
            return record
        return RawRecord(
            value, record.key, record.topic, record.partition, record.offset, record.timestamp_ms, record.headers
        )

    def _asked(self, number: int) -> Any:
        request = urllib.request.Request(f"{self._url}/schemas/ids/{number}")
        if self._login is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(self._login.encode()).decode())
        why = ""
        for tried in range(TRIES):
            if tried:
                time.sleep(PAUSE_S)
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                    told = json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                why = f"it answers {error.code} {error.reason}"
                if error.code in (401, 403):
                    break
            except (OSError, ValueError) as error:
                why = str(getattr(error, "reason", error))
            else:
                return self._parsed(told)
        raise RegistryUnreachable(
            f"schema {number} cannot be had from {self._url}: {why}; check NETGROWTH_SCHEMA_REGISTRY and "
            "NETGROWTH_SCHEMA_REGISTRY_LOGIN"
        )

    def _parsed(self, told: Any) -> Any:
        if told.get("schemaType", "AVRO") != "AVRO":
            return None
        try:
            return self._avro.parse_schema(json.loads(told["schema"]))
        except Exception:  # the registry holds what the library takes for no schema
            return None


def schema_of(value: bytes | None) -> int | None:
    """The number of the schema that a record in the wire format names; None for any other record."""
    if value is None or len(value) <= HEAD_BYTES or value[0] != MAGIC:
        return None
    return int.from_bytes(value[1:HEAD_BYTES], "big")


def _plain(value: Any) -> str:
    """Avro's logical types as the definitions read them; a decimal keeps its digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time_of_day):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
