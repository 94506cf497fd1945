"""The catalogue follows its own rules, and its page is current."""

import re
from pathlib import Path

from streams.catalogue import BY_NAME, CATALOGUE, ROWS, Kind, Source
from streams.catalogue_page import metrics_page
from streams.catalogue_units import BYTES, RATIO, SECONDS, TIMESTAMP
from streams.tables.scopes import THE_TOTAL
from streams.tables.windows import WINDOW_NAMES
from tests.unit.agents.made_up_company import small_company

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == metrics_page(), "run the command that docs/metrics.md names"


def test_names_say_kind_and_unit():
    assert len(BY_NAME) == len(CATALOGUE)
    suffixes = {SECONDS: "_seconds", TIMESTAMP: "_timestamp_seconds", BYTES: "_bytes", RATIO: "_ratio"}
    for metric in CATALOGUE:
        assert re.fullmatch(r"netgrowth(_[a-z]+)+", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert metric.name.endswith("_info") == (metric.kind is Kind.INFO), metric.name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), metric.name
        bare = metric.name.removesuffix("_total")
        assert bare.endswith(suffixes.get(metric.unit, "")), metric.name
        assert metric.about.endswith("."), metric.name
        assert not set(metric.about) & set('\\"\n|'), metric.name


def test_what_comes_out_of_tables_is_a_gauge():
    for metric in CATALOGUE:
        if metric.source is not Source.PROCESS:
            assert metric.kind in (Kind.GAUGE, Kind.INFO), metric.name


def test_every_number_of_a_row_is_where_the_catalogue_says():
    found = small_company().rows("1h")[THE_TOTAL]
    found["activities"] = small_company().rows("all")[THE_TOTAL]["activities"]
    for metric in ROWS:
        place = found[metric.parts] if metric.parts else found
        if isinstance(place, list):
            place = place[0]
        elif metric.parts:
            place = next(iter(place.values()))
        for key in metric.path:
            place = place[key]
        assert isinstance(place, int | float), metric.name


def test_segment_by_region_has_two_windows_and_the_rest_all():
    lost = BY_NAME["netgrowth_customers_lost"]
    assert lost.windows_of("segment_region") == ("1h", "24h")
    assert lost.windows_of("product") == WINDOW_NAMES
    assert BY_NAME["netgrowth_customers_lost_by_reason"].windows_of("region") == ()
    assert BY_NAME["netgrowth_customers_pending_loss"].windows_of("total") == ()
