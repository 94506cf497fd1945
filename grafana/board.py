"""A board: variables, rows of panels laid out from left to right, and links to the others."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from grafana.annotations import annotations
from grafana.panels import SOURCE, Link
from grafana.queries import plain

WIDTH = 24
"""Columns of Grafana's grid."""

TAG = "netgrowth"

PAGE = "http://localhost:6066"
"""Where a worker is, unless one says otherwise in the variable `page`."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel with its size in columns and in units of the grid's height."""

    panel: Any
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a headline; `panels` break into lines where they are full."""

    title: str
    panels: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One board.

    Attributes:
        uid: part of its address, which links rely on.
        variables: besides `datasource` and `job`, which every board has.
        refresh: how often it asks anew.
    """

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    variables: tuple[Any, ...] = ()
    refresh: str = "5s"
    since: str = "now-6h"


def placed(width: int, height: int, *panels: Any) -> tuple[Placed, ...]:
    """Panels of one size."""
    return tuple(Placed(panel, width, height) for panel in panels)


def choice(name: str, label: str, values: Sequence[str], current: str) -> Any:
    """A variable with fixed values."""
    options = [models.VariableOption(text=value, value=value, selected=value == current) for value in values]
    return (
        dashboard.CustomVariable(name).label(label).values(",".join(values)).options(options)
        .current(models.VariableOption(text=current, value=current, selected=True))
    )  # fmt: skip


def label_values(name: str, label: str, metric: str, of: str) -> Any:
    """A variable whose values are those of a label, several at once or all."""
    return (
        dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"label_values({metric}, {of})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True).include_all(True).all_value(".+")
        .current(models.VariableOption(text="All", value="$__all", selected=True))
    )  # fmt: skip


def address(name: str, label: str, default: str, about: str) -> Any:
    """A variable that holds an address, for links."""
    return dashboard.TextBoxVariable(name).label(label).default_value(default).description(about)


def who(measure: str, window: str = "$window", **scope: str) -> Link:
    """Leads to the customers behind a number, on the live page."""
    chosen = "".join(f"&{label}={value}" for label, value in scope.items())
    return Link("Who they are", f"${{page}}/?window={window}{chosen}&who={measure}")


def other(title: str, uid: str, **variables: str) -> Link:
    """Leads to another board, with the same time range and data source and these variables."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return Link(title, f"/d/{uid}?${{__url_time_range}}{chosen}&${{datasource:queryparam}}")


def of_definitions(name: str, label: str) -> Any:
    """A variable that is what a label of the definitions in force says."""
    query = plain("definitions_info", name)
    return (
        dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"query_result({query})")
        .regex(f'/{name}="([^"]*)"/').refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).multi(False)
        .include_all(False).current(models.VariableOption(text="", value=""))
    )  # fmt: skip


def render(board: Board, time_zone: str = "") -> str:
    """The JSON of a board, as Grafana imports and provisions it.

    `time_zone`: name of the company's in the IANA database; empty: what the Grafana that shows it is set to.
    """
    made = (
        dashboard.Dashboard(board.title).uid(board.uid).description(board.about).tags([TAG]).readonly()
        .refresh(board.refresh).time(board.since, "now").timezone(time_zone)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(label_values("job", "Job", "up", "job"))
        .link(
            dashboard.DashboardLink("netgrowth").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
            .as_dropdown(False).keep_time(True).include_vars(True)
        )
        .link(
            dashboard.DashboardLink("Live page").type(models.DashboardLinkType.LINK).url("${page}/")
            .tooltip("Two bowls of marbles, live").icon("external link").target_blank(True)
        )
    )  # fmt: skip
    for variable in board.variables:
        made = made.with_variable(variable)
    about = "Address of a worker, for the links to the live page and to the customers behind a number."
    made = made.with_variable(address("page", "Live page", PAGE, about))
    for annotation in annotations():
        made = made.annotation(annotation)
    number, top = 1, 0
    for row in board.rows:
        made = made.with_row(
            dashboard.Row(row.title).id(number).grid_pos(models.GridPos(h=1, w=WIDTH, x=0, y=top))
        )
        number, top = number + 1, top + 1
        left = tallest = 0
        for one in row.panels:
            if left + one.width > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            made = made.with_panel(
                one.panel.id(number).grid_pos(models.GridPos(h=one.height, w=one.width, x=left, y=top))
            )
            number, left, tallest = number + 1, left + one.width, max(tallest, one.height)
        top += tallest
    text = json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
    return text + "\n"
