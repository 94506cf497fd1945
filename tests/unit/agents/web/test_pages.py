"""The worker's pages over HTTP: what there is, what there is not, and that the OpenAPI document says it."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from agents.app import LedgerWorker
from agents.web.routes import API, ROUTES
from agents.web.schemas import SCHEMAS
from config.definitions_file import parse
from config.settings import load
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.recount import table_rules
from streams.tables.watermark import ClockRules
from tests.unit.streams.ledger.telling import HEAD, NATIVE, fact

DEFINITIONS = parse(f"{HEAD}time_zone: Europe/Berlin\n{NATIVE}lapse: {{after: 30d, restarted_by: [purchased]}}\n")
LIVES = [
    fact("2024-03-01T09:00:00Z", "opening", "a", value=4900, segment="SMB", region="EMEA", product="basic"),
    fact("2024-03-02T09:00:00Z", "joined", "b", value=100, segment="SMB", activity="spring", by_recommendation=True),
    fact("2024-03-03T09:00:00Z", "profile_changed", "b", segment="Large"),
    fact("2024-03-04T09:00:00Z", "recommended", "a", count=2),
    fact("2024-03-05T09:00:00Z", "left", "b", reason="price"),
    fact("2024-03-06T09:00:00Z", "joined", "b", value=250),
    fact("2024-04-07T09:00:00Z", "leaving", "b", effective_at="2024-04-30T00:00:00Z"),
    {"fact": "nonsense"},
]


def worker(records: list[dict[str, Any]] | None = None) -> LedgerWorker:
    """One that has read back the tables in which a partition's owner counted the records."""
    made = LedgerWorker(load({"NETGROWTH_PARTITIONS": "1"}), DEFINITIONS)
    made.editions.heard(monotonic())
    if records is None:
        return made
    admission = Admission(DEFINITIONS, now_us=lambda: 1_800_000_000_000_000)
    made.ledger.books[0] = PartitionBooks(0, 1, DEFINITIONS, admission, table_rules(DEFINITIONS), ClockRules())
    asyncio.run(made.company.parts.finish())
    told(made, records)
    return made


def told(of: LedgerWorker, records: list[dict[str, Any]], first: int = 0) -> None:
    """The owner counts further records, from this offset on, and the worker reads back what came of it."""
    books = of.ledger.books[0]
    raw = [RawRecord(orjson.dumps(one), offset=first + place) for place, one in enumerate(records)]
    books.apply(raw, first + len(raw))
    books.advance(None)
    books.watermark.reach_end(0)
    flush = books.flush(0)
    for key, value in flush.parts if flush is not None else ():
        of.company.parts.feed(0, key, value)
    of.company.advance(0)


def asked(path: str, *, of: LedgerWorker | None = None, method: str = "GET") -> tuple[int, Any, Mapping[str, str]]:
    """Status, answer (JSON if it is) and headers."""
    served = of or worker(LIVES)

    async def ask() -> tuple[int, Any, Mapping[str, str]]:
        served.app.web.init_server()
        async with TestClient(TestServer(served.app.web.web_app)) as client:
            answer = await client.request(method, path)
            body = await answer.read()
            is_json = answer.content_type == "application/json"
            return answer.status, orjson.loads(body) if is_json and body else body.decode(), answer.headers

    return asyncio.run(ask())


def document() -> dict[str, Any]:
    status, found, _ = asked(f"{API}/openapi.json")
    assert status == 200
    return found


def test_the_document_is_valid_openapi_and_has_every_route_that_is_served() -> None:
    found = document()
    validate(found)
    served = worker()
    served.app.web.init_server()
    paths = {resource.canonical for resource in served.app.web.web_app.router.resources()}
    assert paths - {"/api{rest}"} == set(found["paths"])
    assert re.fullmatch(r"\d+(\.\d+)*.*", found["info"]["version"])


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/ledger", f"{API}/report", f"{API}/report?window=last_month", f"{API}/status", "/health/live",
        f"{API}/report?at=2024-03-05T23:00:00Z&window=30d", "/health/ready", f"{API}/report?window=none",
        f"{API}/status?x=1",
        f"{API}/board?window=this_month", f"{API}/board?segment=SMB&at=2024-03-05T23:00:00Z", f"{API}/board?x=1",
    ],
)  # fmt: skip
def test_answers_are_what_the_document_says_with_no_field_more(path: str) -> None:
    status, answer, _ = asked(path)
    conforms(path, status, answer)


def test_so_are_those_before_the_first_record() -> None:
    for path in (f"{API}/ledger", f"{API}/report", f"{API}/status", f"{API}/board", "/health/ready"):
        status, answer, _ = asked(path, of=worker())
        assert status == (200 if path in (f"{API}/status", f"{API}/board") else 503), path
        conforms(path, status, answer)


def conforms(path: str, status: int, answer: Any) -> None:
    found = document()
    described = found["paths"][path.partition("?")[0]]["get"]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    OAS31Validator({**strict(schema), "components": strict(found["components"])}).validate(answer)


def strict(schema: Any) -> Any:
    """The schema, allowing no property that it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    if "properties" in schema and "type" in schema:
        made["additionalProperties"] = False
    return made


def test_the_page_of_the_api_has_every_path_parameter_and_field() -> None:
    page = Path("docs/api.md").read_text(encoding="utf-8")
    assert {route.path for route in ROUTES if f"`{route.path}" not in page} == set()
    assert {one.name for route in ROUTES for one in route.parameters if f"{one.name}=" not in page} == set()
    fields = {name for schema in SCHEMAS.values() for name in names_in(schema)}
    assert {name for name in fields if not re.search(rf"[`\"]{name}[`\"]", page)} == set()


def names_in(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})
    for part in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(part, dict):
            yield from names_in(part)


def test_an_unknown_path_says_what_there_is() -> None:
    for path in (f"{API}/reports", f"{API}/", API, "/api", "/api/v2/report"):
        status, answer, headers = asked(path)
        assert (status, headers["Content-Type"]) == (404, "application/json"), path
        assert f"there is no {path}" in answer["error"]
        assert answer["paths"] == [route.path for route in ROUTES if route.path.startswith(API)]
        OAS31Validator(document()["components"]["schemas"]["Error"]).validate(answer)


def test_another_method_is_told_which_one_there_is() -> None:
    status, answer, headers = asked(f"{API}/report", method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert "GET, not POST" in answer["error"]
    assert asked(f"{API}/report", method="HEAD")[0] == 200


@pytest.mark.parametrize(
    ("query", "told", "known"),
    [
        ("report?windows=all", "no parameter 'windows'; it takes window, at", ["window", "at"]),
        ("report?window=all&by=day", "no parameter 'by'", ["window", "at"]),
        ("ledger?window=all", "no parameter 'window'; it takes none", []),
        ("status?at=now", "no parameter 'at'; it takes none", []),
        ("openapi.json?v=3", "no parameter 'v'", []),
        ("report?window=all&window=30d", "window is given more than once", ["window", "at"]),
    ],
)
def test_an_unknown_parameter_is_named_with_the_known_ones(query: str, told: str, known: list[str]) -> None:
    status, answer, _ = asked(f"{API}/{query}")
    assert status == 400
    assert told in answer["error"]
    assert answer["parameters"] == known


def test_an_instant_that_is_none_is_told() -> None:
    for at in ("yesterday", "2024-03-05T23:00:00", "2031-01-01T00:00:00Z"):
        status, answer, _ = asked(f"{API}/report?at={at}")
        assert status == 400, at
        assert at.removesuffix("T23:00:00") in answer["error"]


@pytest.mark.parametrize("path", [f"{API}/ledger", f"{API}/report", "/health/ready"])
def test_a_worker_of_another_edition_than_the_one_in_force_tells_nothing_of_the_company(path: str) -> None:
    made = LedgerWorker(load({"NETGROWTH_EDITION": "v2"}), DEFINITIONS)
    asyncio.run(made.company.parts.finish())
    made.editions.heard(monotonic())
    status, answer, _ = asked(path, of=made)
    assert status == 503
    assert "the edition (the first) is in force, v2 counts beside it" in str(answer)
    assert "netgrowth_in_force 0.0" in made.telemetry.page("")[0].decode()
    assert "netgrowth_definitions_info" not in made.telemetry.page("")[0].decode()


def test_a_worker_that_has_not_heard_of_editions_for_the_length_of_a_lease_tells_nothing() -> None:
    made = worker(LIVES)
    assert asked(f"{API}/ledger")[0] == 200
    made.editions.heard(monotonic() - made.settings.session_timeout_s - 1)
    status, answer, _ = asked(f"{API}/ledger", of=made)
    assert status == 503
    assert "does the broker answer?" in answer["error"]


def test_the_board_is_a_page_that_needs_nothing_from_anywhere_else() -> None:
    status, page, headers = asked("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    named = [path for path in re.findall(r'(?:href|src)="([^"]*)"', page) if not path.startswith("#")]
    assert {"/board/board.css", "/board/main.js", "/metrics", f"{API}/report"} <= set(named)
    for path in named:
        status, text, headers = asked(path)
        assert status == 200, path
        # No address of another host, but for the names of SVG's language.
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text if path.startswith("/board") else "") == []
    for path in re.findall(r'from "\./(.*?)"', asked("/board/main.js")[1]):
        assert asked(f"/board/{path}")[2]["Content-Type"] == "text/javascript; charset=utf-8"
    assert asked("/board/nothing.js")[0] == 404


def test_the_board_says_what_the_report_says() -> None:
    _, board, _ = asked(f"{API}/board?window=last_month")
    _, report, _ = asked(f"{API}/report?window=last_month")
    assert board["state"] == "ready"
    assert board["sentence"] == "2 joined, 2 left: as many as before, 46.50 EUR less"
    for name in ("net", "new", "returned", "lost", "stayed", "closing", "marbles"):
        assert board["row"][name] == report[name]
    assert board["bowls"]["gained"]["drawing"].count("<circle") == report["marbles"]["gained"] == 2
    assert [(step["joined"], step["lost"]) for step in board["line"]["steps"] if step["joined"] or step["lost"]] == [
        (1, 0), (0, 1), (1, 0), (0, 1), (0, 1),
    ]  # fmt: skip
    assert board["lately"][0] == {
        "start": "2024-04-05T00:00:00+02:00", "by": "day",
        "text": "1 left, the foremost reason lapsed: 1 fewer, 2.50 EUR less",
    }


def test_a_scope_is_shown_alone_now_and_as_it_was() -> None:
    _, whole, _ = asked(f"{API}/ledger")
    for query, row in (
        ("segment=SMB", whole["segments"]["SMB"]),
        ("product=basic", whole["products"]["basic"]),
        ("segment=SMB&region=EMEA", whole["segment_regions"]["SMB"]["EMEA"]),
    ):
        _, board, _ = asked(f"{API}/board?window=all&{query}")
        assert board["row"] == row, query
    _, past, _ = asked(f"{API}/board?window=all&segment=Large&at=2024-03-05T07:59:00Z")
    assert past["row"]["closing"] == {"customers": 1, "value": 100}
    status, refused, _ = asked(f"{API}/board?product=basic&region=EMEA")
    assert (status, "together are no scope" in refused["error"]) == (400, True)
    assert asked(f"{API}/board?at=2031-01-01T00:00:00Z")[0] == 400


def test_before_the_first_record_the_board_says_what_is_waited_for() -> None:
    _, board, _ = asked(f"{API}/board", of=worker())
    assert board["state"] == "recovering"
    assert "read back" in board["notes"][0]
    made = worker()
    asyncio.run(made.company.parts.finish())
    _, board, _ = asked(f"{API}/board", of=made)
    assert board["state"] == "empty"
    assert "row" not in board
    assert (board["feeds"][0]["state"], "netgrowth replay" in board["feeds"][0]["text"]) == ("waiting", True)


def test_the_bowls_are_a_picture() -> None:
    status, picture, headers = asked(f"{API}/bowls.svg?window=last_month&theme=dark")
    assert (status, headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.count("<circle") == 4
    assert "2 joined, 2 left: as many as before, 46.50 EUR less" in picture
    assert asked(f"{API}/bowls.svg?theme=pink")[0] == 400
    assert asked(f"{API}/bowls.svg", of=worker())[0] == 503


def test_events_bring_the_board_again_when_it_changes() -> None:
    made = worker(LIVES)

    async def first_two() -> tuple[bytes, bytes]:
        looking = asyncio.create_task(made.board.run())
        made.board._backlog.look = lambda now: asyncio.sleep(0)  # type: ignore[method-assign]
        made.app.web.init_server()
        async with TestClient(TestServer(made.app.web.web_app)) as client:
            answer = await client.get(f"{API}/board/events?window=all")
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            await answer.content.readuntil(b"\n\n")
            before = await answer.content.readuntil(b"\n\n")
            told(made, [fact("2024-04-08T09:00:00Z", "joined", "c", value=700)], 8)
            after = await answer.content.readuntil(b"\n\n")
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            assert await answer.content.read() == b""  # the worker ends: every page is let go
            return before, after

    before, after = (orjson.loads(event.split(b"data: ")[1]) for event in asyncio.run(first_two()))
    assert (before["known_until"], after["known_until"]) == ("2024-04-07T09:00:00Z", "2024-04-08T09:00:00Z")
    assert after["row"]["new"]["customers"] == before["row"]["new"]["customers"] + 1
