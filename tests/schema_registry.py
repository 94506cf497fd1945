"""A small HTTP server that speaks the protocol of a schema registry, with schemas and records written by fastavro.

No registry is to be had here, so this one stands in for it: its answers are those of the registry's API
(`GET /schemas/ids/N`).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any

import fastavro
import orjson

INVOICE = {
    "type": "record", "name": "Invoice", "fields": [
        {"name": "id", "type": "string"},
        {"name": "account", "type": {"type": "record", "name": "A", "fields": [{"name": "no", "type": "long"}]}},
        {"name": "paid", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}  # fmt: skip
LATER = {**INVOICE, "fields": [*INVOICE["fields"], {"name": "plan", "type": "string"}]}  # type: ignore[misc]
SCHEMAS: dict[int, dict[str, Any]] = {
    7: {"schema": json.dumps(INVOICE)},
    8: {"schema": json.dumps(LATER)},
    9: {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"},
}
PAID = {"id": "i1", "account": {"no": 17}, "paid": Decimal("12.50"), "at": datetime(2024, 5, 1, 10, tzinfo=UTC)}


class Registry(HTTPServer):
    """Counts what it is asked; `busy` of its first answers are errors."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[str] = []
        self.logins: list[str | None] = []
        self.busy = 0


class Answering(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.logins.append(self.headers.get("Authorization"))
        number = self.path.rpartition("/")[2]
        status, told = 200, SCHEMAS.get(int(number) if number.isdigit() else 0, {})
        if self.server.busy > 0:
            self.server.busy -= 1
            status = 503
        elif not told:
            status = 404
        body = orjson.dumps(told)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def running() -> Iterator[Registry]:
    """A registry that answers until the end of the block."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def in_wire_format(number: int, schema: Any, document: dict[str, Any], more: bytes = b"") -> bytes:
    """A record with the number of its schema before it."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), document)
    return b"\x00" + number.to_bytes(4, "big") + stream.getvalue() + more
