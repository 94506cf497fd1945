"""Marks over time that all boards have: what surged, what we did, and since when other definitions hold."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.panels import BLUE, GREY, RED, SOURCE
from grafana.queries import JOB, plain

OF_SURGE = ("measure", "direction", "segment", "region", "product", "brand", "topic", "service", "stage")
STEP = "15s"
"""Between two looks at what is marked; spans of it that follow each other are one mark."""

SEEN_BEFORE = "1h"
"""Definitions that were in force within this time before are no change: workers may have been down meanwhile."""


def annotations() -> tuple[Any, ...]:
    """Surges as spans, actions as instants at which they began, definitions where they are new."""
    surges = plain("surge_onset_timestamp_seconds", "surge", *OF_SURGE)
    scope = ", ".join(f'"{label}"' for label in OF_SURGE[2:])
    actions = f"1000 * {plain('action_timestamp_seconds', 'kind', 'text')}"
    definitions = plain("definitions_info", "name", "version")
    before = f"max by (name, version) (max_over_time(netgrowth_definitions_info{{{JOB}}}[{SEEN_BEFORE}] offset 1m))"
    return (
        _marks("Surges", RED, f'label_join({surges}, "scope", " ", {scope})', "{{measure}} {{direction}}",
               "Out of the ordinary: {{scope}}"),
        _marks("Actions", BLUE, actions, "{{kind}}", "{{text}}").use_value_for_time(True),
        _marks("Definitions", GREY, f"{definitions} unless {before}", "Definitions {{name}} {{version}}",
               "In force from here on: numbers before may mean something else."),
    )  # fmt: skip


def _marks(name: str, color: str, expr: str, title: str, text: str) -> Any:
    return (
        dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).hide(False).icon_color(color).expr(expr)
        .step(STEP).title_format(title).text_format(text)
    )  # fmt: skip
