"""Boards as they are committed: made by the generator, valid, laid out without overlap, and every metric on one."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from config.alerting.monitor import SILENT
from grafana.render import OUT, boards, main
from streams.catalogue import CATALOGUE, Kind

MADE = {name: json.loads(text) for name, text in boards().items()}
NAME = re.compile(r"\bnetgrowth_\w+")


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for board in MADE.values():
        for panel in panels(board):
            for target in panel["targets"]:
                yield target["expr"]
        for annotation in board["annotations"]["list"]:
            yield annotation["expr"]


def metric_of(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)


def test_what_is_committed_is_what_is_made() -> None:
    assert {path.name for path in OUT.iterdir()} == set(MADE)
    for name, text in boards().items():
        assert (OUT / name).read_text(encoding="utf-8") == text, "make them anew: python -m grafana.render"


def test_every_metric_is_on_a_board_or_internal() -> None:
    shown = {metric_of(name) for expression in expressions() for name in NAME.findall(expression)}
    wanted = {metric.name for metric in CATALOGUE if not metric.internal}
    assert wanted - shown == set()
    recorded = {name for expression in expressions() for name in re.findall(r"\w+:(netgrowth_\w+):\w+", expression)}
    assert shown - recorded <= {metric.name for metric in CATALOGUE}


def test_what_is_made_from_a_silent_feed_shows_no_data() -> None:
    feeds = {"customers_lost": "customer-events", "mentions": "social-mentions", "health_colour": "qos-signals"}
    for name, feed in feeds.items():
        found = [one for one in expressions() if re.search(rf"netgrowth_{name}\{{", one)]
        assert found
        for expression in found:
            assert f'unless on () {SILENT}{{topic="{feed}"}}' in expression, expression


@pytest.mark.parametrize("name", MADE)
def test_panels_do_not_overlap_and_have_ids_of_their_own(name: str) -> None:
    places = [panel["gridPos"] for panel in MADE[name]["panels"]]
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    ids = [panel["id"] for panel in MADE[name]["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", MADE)
def test_a_newcomer_understands_every_panel(name: str) -> None:
    board = MADE[name]
    assert board["editable"] is False
    assert board["description"]
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"
        assert panel["targets"]
        for placed in (panel, *panel["targets"]):
            assert placed["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_values_say_their_currency_and_whole_numbers_are_written_out() -> None:
    found = 0
    for board in MADE.values():
        for panel in panels(board):
            if panel["type"] == "table" and "value" not in panel["title"].lower():
                continue
            for target in panel["targets"]:
                if re.search(r"netgrowth_value_(?!at_risk)", target["expr"]):
                    found += 1
                    assert "$currency" in panel["title"] + target["legendFormat"], panel["title"]
                    assert panel["fieldConfig"]["defaults"]["unit"] == "locale"
    assert found > 30


def test_table_state_is_never_rated_and_no_window_is_open() -> None:
    kinds = {metric.name: metric for metric in CATALOGUE}
    for expression in expressions():
        for name in re.findall(r"(?:rate|increase|delta)\((netgrowth_\w+)", expression):
            assert kinds[metric_of(name)].kind in (Kind.COUNTER, Kind.HISTOGRAM)
            assert "[$__rate_interval]" in expression
        for name, labels in re.findall(r"(netgrowth_\w+)\{([^}]*)\}", expression):
            metric = kinds[metric_of(name)]
            assert 'job=~"$job"' in labels
            if "window" in metric.labels:
                assert "window=" in labels, expression
            if "scope" in metric.labels:
                assert "scope=" in labels, expression


def test_variables_are_declared() -> None:
    for name, board in MADE.items():
        declared = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval"}
        for panel in panels(board):
            for target in panel["targets"]:
                assert set(re.findall(r"\$(\w+)", target["expr"])) <= declared, name
            titles = f"{panel['title']} {panel['description']}"
            assert set(re.findall(r"\$(\w+)", titles)) <= declared, name
            for link in panel["fieldConfig"]["defaults"].get("links", ()):
                named = re.findall(r"\$\{(\w+)", link["url"])
                assert {one for one in named if not one.startswith("__")} <= declared, link


def test_links_lead_to_boards_that_are_there_and_to_lists_that_the_page_has() -> None:
    boards_of = {board["uid"]: board for board in MADE.values()}
    page = (Path(__file__).parents[3] / "agents/web/board/customers.js").read_text(encoding="utf-8")
    found = 0
    for board in MADE.values():
        for panel in panels(board):
            for link in panel["fieldConfig"]["defaults"].get("links", ()):
                found += 1
                if other := re.match(r"/d/([\w-]+)\?", link["url"]):
                    variables = {one["name"] for one in boards_of[other[1]]["templating"]["list"]}
                    assert set(re.findall(r"var-(\w+)=", link["url"])) <= variables
                elif measure := re.search(r"&who=(\w+)", link["url"]):
                    assert re.search(rf"\b{measure[1]}: ", page), link
                else:
                    assert link["url"].startswith("${runbooks}"), link
    assert found > 15


def test_all_boards_mark_what_surged_what_we_did_and_since_when_other_definitions_hold() -> None:
    for board in MADE.values():
        marks = {one["name"]: one for one in board["annotations"]["list"]}
        assert list(marks) == ["Surges", "Actions", "Definitions"]
        assert marks["Actions"]["useValueForTime"] is True
        assert "useValueForTime" not in marks["Surges"]
        for mark in marks.values():
            assert mark["enable"] is True
            assert mark["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            labels = set(re.findall(r"\{\{(\w+)\}\}", mark["titleFormat"] + mark["textFormat"]))
            assert labels <= set(re.findall(r"\w+", mark["expr"])), mark


def test_every_panel_of_customer_math_shows_the_version_of_the_definitions() -> None:
    for panel in panels(MADE["customer-math.json"]):
        assert panel["title"].endswith(" · v$version")
        assert "version $version of the definitions" in panel["description"]


def test_a_company_has_boards_in_its_own_time_zone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {board["timezone"] for board in MADE.values()} == {""}
    assert main(["--time-zone", "Europe/Berlin", "--folder", str(tmp_path)]) == 0
    of_berlin = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()]
    assert {board["timezone"] for board in of_berlin} == {"Europe/Berlin"}
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    with pytest.raises(SystemExit):
        main(["--time-zone", "Europe/Nowhere"])
    assert "is no time zone" in capsys.readouterr().err


def test_the_data_source_of_the_provisioning_is_asked_as_often_as_it_scrapes() -> None:
    import yaml

    root = Path(__file__).parents[3]
    provisioned = yaml.safe_load((root / "grafana/provisioning/datasources/prometheus.yml").read_text())
    scraped = yaml.safe_load((root / "config/prometheus/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert [one["jsonData"]["timeInterval"] for one in provisioned["datasources"]] == [scraped]
