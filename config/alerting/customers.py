"""Alerts on customers: growth that turned negative. Amounts are gauges of the tables.

Whatever is said of customers is said only while the tables are fresh: a replay or a backfill moves them and pages
nobody.
"""

from config.alerting.links import LOSSES_BOARD, Links
from config.alerting.model import Alert, Group, Recording, Severity
from config.alerting.phrases import WHOLE, asked, fresh, one
from streams.facts.definitions.model import Definitions

SCOPE = ("scope", "segment", "region", "product", "window")

RECORDED = (
    "customers_new", "customers_returned", "customers_lost", "customers_net", "customers_closing", "value_lost",
    "value_net",
)  # fmt: skip
"""Metrics of the tables that rules read. The maximum: around a hand-over two workers may show a scope, or none."""


def customer_groups(definitions: Definitions) -> tuple[Group, ...]:
    """The rules on customers won and lost."""
    rules = definitions.alerts
    fresh_s = rules.page_fresh_us // 1_000_000
    recordings = (
        Recording(
            "company:netgrowth_tables_fresh:bool",
            f"time() - max(netgrowth_tables_clock_timestamp_seconds) < bool {fresh_s}",
        ),
        *(
            Recording(
                f"scope:netgrowth_{name}:max",
                f"max by ({', '.join(SCOPE)}) (last_over_time(netgrowth_{name}[1m]))",
            )
            for name in RECORDED
        ),
    )
    return (Group("netgrowth-customers", recordings, (_net_growth_negative(definitions),)),)


def of_scope(metric: str, window: str, *, scopes: str = "total|segment") -> str:
    """A recorded metric of the tables in one window."""
    return f'scope:netgrowth_{metric}:max{{scope=~"{scopes}",window="{window}"}}'


FRESH = fresh("company:netgrowth_tables_fresh:bool")
"""Joined to what is said of customers."""


def _net_growth_negative(definitions: Definitions) -> Alert:
    net = of_scope("customers_net", "24h")
    links = Links(definitions.alerts)
    moved = " + ".join(of_scope(f"customers_{name}", "24h") for name in ("new", "returned", "lost"))
    # Of two equally likely ways, as many more go the one way by chance as twice the root of all, once in forty times.
    expr = f"-{net} >= 3 and -{net} > 2 * sqrt({moved}) and {FRESH}"
    return Alert(
        "NetgrowthNetGrowthNegative", Severity.WARNING, definitions.alerts.owner, expr,
        "More customers leave than come.",
        f"{_WHO}: {{{{ $value | {WHOLE} }}}} customers fewer in 24 hours: "
        f"{_number('customers_lost')} lost, {_number('customers_new')} new, {_number('customers_returned')} back; "
        f"{_number('value_net')} {definitions.currency} net.",
        pending="5m", keep="5m", cause="customers", feed="customer-events",
        resolved=f"{_WHO}: growth is no longer negative; {_number('customers_lost')} lost and "
        f"{_number('customers_new')} new in 24 hours, {_number('value_net')} {definitions.currency} net.",
        links={
            "dashboard_url": links.board(LOSSES_BOARD), "customers_url": links.customers_lost(),
            "silence_url": links.silence(alert="NetgrowthNetGrowthNegative"),
            "no_trouble": "Silence it; it ends when as many come as leave",
        },
    )  # fmt: skip


_WHO = "{{ if $labels.segment }}Segment {{ $labels.segment }}{{ else }}The company{{ end }}"


def _number(metric: str) -> str:
    """A template that asks for a metric of the alert's own scope."""
    selector = "scope=%q,segment=%q,window=%q"
    return one(asked(f"scope:netgrowth_{metric}:max{{{selector}}}", "scope", "segment", "window"), WHOLE)
