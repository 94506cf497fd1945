"""Panels of the boards: the one module that knows the Grafana Foundation SDK, whose names change between releases.

Every panel has a title, a description that a newcomer understands, and a unit; every target goes through the variable
`datasource`. "No data" has a look of its own: it is said in words, and never a zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")
NO_DATA = "no data"

COUNT = MONEY = "locale"
"""Of customers, mentions and records, and of values, whose currency stands in the title: 4,192,978, as the reader's
country writes it. Grafana's own units of currencies would round to 4.19 Mil."""
PLAIN_WORDS = "none"
"""Of what is no quantity: words and states."""

GREEN, YELLOW, RED, GREY, BLUE, PURPLE = "#3d9970", "#e0a800", "#c0392b", "#8e8e8e", "#2f6fb0", "#8e44ad"
"""Colours that stay apart for the colour-blind, and read on dark and on light."""


@dataclass(frozen=True, slots=True)
class Target:
    """One query: PromQL and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where the numbers, lines or cells of a panel lead: to another board, a runbook or the live page."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """From which value a colour holds; None: from the beginning."""

    value: float | None
    color: str


PLAIN = (Step(None, BLUE),)
SIGNED = (Step(None, RED), Step(0, GREEN))
"""Below zero is bad."""


def _targets(targets: Sequence[Target], *, instant: bool, as_table: bool = False) -> list[Any]:
    found = []
    for place, target in enumerate(targets):
        query = prometheus.Dataquery().expr(target.expr).ref_id(chr(ord("A") + place)).datasource(SOURCE)
        query = query.legend_format(target.legend or "__auto")
        query = query.instant() if instant else query.range()
        if as_table:
            query = query.format("table")  # type: ignore[arg-type]  # the SDK's enumeration holds these words
        found.append(query)
    return found


def _thresholds(steps: Sequence[Step]) -> Any:
    made = [models.Threshold(value=step.value, color=step.color) for step in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def _dressed(
    panel: Any, title: str, about: str, unit: str, targets: Sequence[Any], steps: Sequence[Step],
    links: Sequence[Link] = (),
) -> Any:
    dressed = (
        panel.title(title).description(about).unit(unit).datasource(SOURCE).targets(list(targets))
        .thresholds(_thresholds(steps)).no_value(NO_DATA)
    )  # fmt: skip
    made = [
        dashboard.DashboardLink(link.title).type(models.DashboardLinkType.LINK).url(link.url).target_blank(True)
        for link in links
    ]  # fmt: skip
    return dressed.data_links(made) if made else dressed


def number(
    title: str, about: str, unit: str, *targets: Target, steps: Sequence[Step] = PLAIN, decimals: int = 0,
    links: Sequence[Link] = (),
) -> Any:
    """One number, or a few, large."""
    asked = _targets(targets, instant=True)
    panel = _dressed(stat.Panel(), title, about, unit, asked, steps, links).decimals(decimals)
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    return (
        panel.reduce_options(reduce).color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.NONE)
    )  # fmt: skip


def words(title: str, about: str, target: Target) -> Any:
    """What the labels of a series say, as text."""
    return number(title, about, PLAIN_WORDS, target).text_mode(common_models.BigValueTextMode.NAME)


def bars(
    title: str, about: str, unit: str, *targets: Target, color: str = BLUE, decimals: int = 0,
    links: Sequence[Link] = (),
) -> Any:
    """A bar for each series, as they are now."""
    steps, asked = (Step(None, color),), _targets(targets, instant=True)
    panel = _dressed(bargauge.Panel(), title, about, unit, asked, steps, links).decimals(decimals)
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    return (
        panel.reduce_options(reduce).orientation(common_models.VizOrientation.HORIZONTAL).min(0)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
    )  # fmt: skip


def lines(
    title: str, about: str, unit: str, *targets: Target, steps: Sequence[Step] = PLAIN, stack: bool = False,
    links: Sequence[Link] = (),
) -> Any:
    """Series over time. Gaps stay gaps: nobody knows what was in them."""
    panel = _dressed(timeseries.Panel(), title, about, unit, _targets(targets, instant=False), steps, links)
    panel = panel.fill_opacity(10).line_width(2).span_nulls(False).show_points(common_models.VisibilityMode.NEVER)
    panel = panel.legend(
        common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM).show_legend(True).calcs(["lastNotNull"])
    )  # fmt: skip
    if stack:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    return panel


def states(title: str, about: str, *targets: Target, names: dict[int, tuple[str, str]]) -> Any:
    """States over time, a line for each series; `names`: value to word and colour."""
    panel = _dressed(statetimeline.Panel(), title, about, PLAIN_WORDS, _targets(targets, instant=False), PLAIN)
    options = {
        str(value): models.ValueMappingResult(text=word, color=color, index=place)
        for place, (value, (word, color)) in enumerate(names.items())
    }
    return panel.mappings([models.ValueMap(options=options)]).merge_values(True)


def rows(
    title: str, about: str, unit: str, columns: dict[str, str], key: Sequence[str], *, sort: str = "",
    links: Sequence[Link] = (),
) -> Any:
    """A table: a line for each value of the labels in `key`, a column for each expression."""
    targets = _targets([Target(expr) for expr in columns.values()], instant=True, as_table=True)
    panel = _dressed(table.Panel(), title, about, unit, targets, (Step(None, "text"),), links)
    names = {f"Value #{chr(ord('A') + place)}": name for place, name in enumerate(columns)}
    if len(columns) == 1:
        names["Value"] = next(iter(columns))
    panel = panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    order = {name: place for place, name in enumerate((*key, *names))}
    panel = panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names},
        )
    )
    if sort:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel
