"""Answers of the API."""

from typing import Any

import orjson
from aiohttp import web


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The value as JSON."""
    return json_bytes(orjson.dumps(value), status, headers)


def json_bytes(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """What is JSON already."""
    return web.Response(body=body, content_type="application/json", status=status, headers=headers)


def error_answer(why: str, status: int = 400) -> web.Response:
    """What was wrong, in a sentence."""
    return json_answer({"error": why}, status)
