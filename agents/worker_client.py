"""Asking a running worker over HTTP."""

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import orjson

from config.settings import Settings

TIMEOUT_S = 30.0


class WorkerUnreachable(Exception):
    """No worker answers there, or what answers is no worker; the text says where and what to do."""


class WorkerRefused(Exception):
    """The worker cannot answer this; the text is its own explanation."""


def worker_url(settings: Settings) -> str:
    """Where the worker of these settings serves its pages; one bound to every address is asked on this machine."""
    host = "127.0.0.1" if settings.web_bind in ("0.0.0.0", "::", "") else settings.web_bind
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}"


def ask(url: str, path: str, **parameters: str) -> Any:
    """The JSON that a worker answers.

    Args:
        url: `http://host:port`, with or without a slash at the end.
        path: beginning with a slash.
    Raises: WorkerUnreachable, WorkerRefused.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise WorkerUnreachable(f"{url} is no address of a worker; write it as http://host:6066")
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    address = f"{url.rstrip('/')}{path}{query}"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            return orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise _refusal(error, address) from error
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise WorkerUnreachable(
            f"no worker answers at {url} ({reason}); start one with `netgrowth worker`, or give --url"
        ) from error
    except orjson.JSONDecodeError as error:
        raise WorkerUnreachable(f"{address} answers, but not with JSON: is that a netgrowth worker?") from error


def _refusal(error: urllib.error.HTTPError, address: str) -> Exception:
    try:
        return WorkerRefused(str(orjson.loads(error.read())["error"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, OSError):
        return WorkerUnreachable(f"{address} answers {error.code}: is that a netgrowth worker of this version?")
