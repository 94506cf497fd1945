"""Alerts on health as customers perceive it: red stages, false green, value at risk, and budgets that burn."""

from config.alerting.burn import burn_rate
from config.alerting.links import SIGNALS_BOARD, Links
from config.alerting.model import Alert, Group, Recording, Severity
from config.alerting.phrases import CLOCK, DURATION, SHARE, WHOLE, asked, course, each, fresh, moment, one, where_any
from streams.facts.definitions.model import Definitions

SCOPE = ("scope", "service", "stage", "segment", "region")

RECORDED = ("customers_seen", "customers_disrupted", "customers_of_unknown_value", "value_at_risk", "colour")
"""Metrics of health that rules read; the maximum, since around a hand-over two workers may show a scope, or none."""

FRESH = fresh("company:netgrowth_health_fresh:bool")
"""Joined to what is said of health: signals of long ago page nobody."""

RED = 2

BURNS = (("1h", "5m", burn_rate(0.02, 1), Severity.CRITICAL), ("24h", "1h", burn_rate(0.1, 24), Severity.WARNING))
"""Long window, short window, burn rate, severity."""

LEAST_SEEN = 100
"""Customers in the long window below which a share burns no budget."""

FEED = "qos-signals"


def health_groups(definitions: Definitions) -> tuple[Group, ...]:
    """The rules on perceived health."""
    fresh_s = definitions.alerts.page_fresh_us // 1_000_000
    by = ", ".join((*SCOPE, "window"))
    recordings = (
        Recording(
            "company:netgrowth_health_fresh:bool",
            f"time() - max(netgrowth_health_clock_timestamp_seconds) < bool {fresh_s}",
        ),
        Recording("stage:netgrowth_health_stage_tier:max",
                  "max by (service, stage) (last_over_time(netgrowth_health_stage_tier[1m]))"),
        Recording("scope:netgrowth_health_false_green_seconds:max",
                  f"max by ({', '.join(SCOPE)}) (last_over_time(netgrowth_health_false_green_seconds[1m]))"),
        *(
            Recording(f"scope:netgrowth_health_{name}:max",
                      f"max by ({by}) (last_over_time(netgrowth_health_{name}[1m]))")
            for name in RECORDED
        ),
    )  # fmt: skip
    alerts = (*_red(definitions), _false_green(definitions), *_burns(definitions), *_value_at_risk(definitions))
    # An Alertmanager that has begun anew takes a ticket for news that comes before the page which silences it.
    alerts = tuple(sorted(alerts, key=lambda alert: alert.severity is not Severity.CRITICAL))
    return (Group("netgrowth-health", recordings, alerts),)


def of_scope(metric: str, window: str = "5m", scope: str = "stage|segment_region") -> str:
    """A recorded metric of health in one window."""
    return f'scope:netgrowth_health_{metric}:max{{scope=~"{scope}",window="{window}"}}'


def _tier(tier: int) -> str:
    return f"on (service, stage) stage:netgrowth_health_stage_tier:max == {tier}"


def _red(definitions: Definitions) -> tuple[Alert, ...]:
    severities = {1: Severity.CRITICAL, 2: Severity.WARNING}
    names = {1: "NetgrowthCustomersRed", 2: "NetgrowthCustomersRedTicket"}
    return tuple(
        Alert(
            names[tier], severity, definitions.alerts.owner,
            f"({of_scope('customers_disrupted')} and {of_scope('colour')} == {RED}) and {_tier(tier)} and {FRESH}",
            "Customers are hurt.",
            f"{WHERE}: {{{{ $value | {WHOLE} }}}} customers disrupted in five minutes, of "
            f"{_number('customers_seen')} seen; {_number('value_at_risk')} {definitions.currency} of expected "
            f"value are with them, and {_number('customers_of_unknown_value')} are of unknown value; operations say "
            f"{_STATUS}.{_course()}{_done()}",
            keep="2m", cause="customers", feed=FEED, resolved=_resolved(definitions.currency),
            links=_links(definitions, names[tier], COLOURS),
        )
        for tier, severity in severities.items()
    )  # fmt: skip


def _false_green(definitions: Definitions) -> Alert:
    return Alert(
        "NetgrowthFalseGreen", Severity.WARNING, definitions.alerts.owner,
        f'scope:netgrowth_health_false_green_seconds:max{{scope="stage"}} >= 300 and {FRESH}',
        "Operations say up while customers are red.",
        f"{WHERE}: the status has been up for {{{{ $value | {DURATION} }}}} in which customers were red: "
        f"what is watched there does not show what they experience.{_course()}{_done()}",
        keep="2m", cause="customers", feed=FEED, resolved=_resolved(definitions.currency),
        links=_links(definitions, "NetgrowthFalseGreen", COLOURS),
    )  # fmt: skip


def _burns(definitions: Definitions) -> tuple[Alert, ...]:
    budget = 1 - definitions.alerts.undisrupted
    names = {Severity.CRITICAL: "NetgrowthDisruptionBurn", Severity.WARNING: "NetgrowthDisruptionSlowBurn"}
    found = []
    for long, short, burn, severity in BURNS:
        limit = f"{min(burn * budget, 0.9):.4g}"
        shares = [
            f"{of_scope('customers_disrupted', window, 'stage')} / {of_scope('customers_seen', window, 'stage')}"
            for window in (long, short)
        ]
        # The two windows differ in their label.
        expr = (
            f"({shares[0]} > {limit} and ignoring (window) {shares[1]} > {limit} and "
            f"{of_scope('customers_seen', long, 'stage')} >= {LEAST_SEEN}) "
            f"and on (service, stage) stage:netgrowth_health_stage_tier:max <= 2 and {FRESH}"
        )
        found.append(
            Alert(
                names[severity], severity, definitions.alerts.owner, expr,
                "More customers are disrupted than was promised.",
                f"{WHERE}: {_number('customers_disrupted', long)} of the {_number('customers_seen', long)} customers "
                f"seen in {long} were disrupted, {{{{ $value | {SHARE} }}}}; promised are at most "
                f"{100 * budget:g} % over 30 days, and this is over {burn:g} times that rate; "
                f"{_number('value_at_risk', long)} {definitions.currency} of expected value are with them."
                f"{_course()}{_done()}",
                keep="2m", cause="customers", feed=FEED, resolved=_resolved(definitions.currency),
                links=_links(definitions, names[severity], "what is promised is `alerts: {undisrupted}`"),
            )
        )  # fmt: skip
    return tuple(found)


def _value_at_risk(definitions: Definitions) -> tuple[Alert, ...]:
    limit = definitions.alerts.value_at_risk
    if limit is None:
        return ()
    return (
        Alert(
            "NetgrowthValueAtRisk", Severity.CRITICAL, definitions.alerts.owner,
            f"{of_scope('value_at_risk', '5m', 'stage')} > {limit} and {FRESH}",
            "Much value is at risk.",
            f"{WHERE}: {{{{ $value | {WHOLE} }}}} {definitions.currency} of expected value are with the "
            f"{_number('customers_disrupted')} customers disrupted in five minutes; the limit is {limit:,}."
            f"{_course()}{_done()}",
            keep="2m", cause="customers", feed=FEED, resolved=_resolved(definitions.currency),
            links=_links(definitions, "NetgrowthValueAtRisk", "its limit is `alerts: {value_at_risk}`"),
        ),
    )  # fmt: skip


WHERE = (
    "{{ $labels.service }}, {{ $labels.stage }}{{ if $labels.segment }}, segment {{ $labels.segment }}{{ end }}"
    "{{ if $labels.region }}, region {{ $labels.region }}{{ end }}"
)

_STATUS = (
    f"{{{{ with {asked('max(netgrowth_health_service_status{service=%q})', 'service')} }}}}"
    "{{ $said := . | first | value }}{{ if eq $said 0.0 }}up{{ else if eq $said 1.0 }}degraded{{ else }}down{{ end }}"
    "{{ else }}nothing{{ end }}"
)


def _number(metric: str, window: str = "5m") -> str:
    """A template that asks for a metric of the alert's own scope."""
    selector = ",".join(f"{name}=%q" for name in SCOPE)
    return one(asked(f'scope:netgrowth_health_{metric}:max{{{selector},window="{window}"}}', *SCOPE), WHOLE)


def _course() -> str:
    """Whether more or fewer are disrupted than in the five minutes before, by more than one chance in some twenty."""
    selector = ",".join(f"{name}=%q" for name in SCOPE)
    now = f'scope:netgrowth_health_customers_disrupted:max{{{selector},window="5m"}}'
    before = f"({now} offset 5m or 0 * {now})"
    return course(asked(f"({now} - {before}) / sqrt({now} + {before})", *SCOPE * 6), " The trouble is ", ".", 2.0)


def _done() -> str:
    """What we did in the last two hours in a scope that holds the alert's."""
    metric = "netgrowth_action_timestamp_seconds"
    services = [f'service="{one}"' if not one else f"service={one}" for one in ("", "%q")]
    stages = [f'stage="{one}"' if not one else f"stage={one}" for one in ("", "%q")]
    pairs = [(service, stage) for service in services for stage in stages]
    either = " or ".join(f"{metric}{{{service},{stage}}}" for service, stage in pairs)
    labels = [
        label for service, stage in pairs for label, text in (("service", service), ("stage", stage)) if "%q" in text
    ]
    return where_any(
        asked(f"topk(3, max by (kind, text) ({either}) >= time() - 7200)", *labels),
        " What we did in the last two hours:"
        + each(f"{{{{ $one | label \"kind\" }}}} '{{{{ $one | label \"text\" }}}}' at {moment(CLOCK, '$one')}") + ".",
        " No action of ours was entered for the last two hours.",
    )  # fmt: skip


def _resolved(currency: str) -> str:
    return (
        f"{WHERE}: over; in the last hour {_number('customers_disrupted', '1h')} customers were disrupted, with "
        f"{_number('value_at_risk', '1h')} {currency} of expected value{LOST_1H}."
    )


LOST_1H = where_any(
    asked('scope:netgrowth_customers_lost:max{scope="total",window="1h"}'),
    f"; the company lost {{{{ . | first | value | {WHOLE} }}}} customers in it",
)

COLOURS = "the limits of colours are `health: {red, yellow}`"


def _links(definitions: Definitions, alert: str, limit: str) -> dict[str, str]:
    """`limit`: which of the definitions is to be changed where this is ordinary."""
    links = Links(definitions.alerts)
    return {
        "dashboard_url": links.board(SIGNALS_BOARD),
        "customers_url": links.customers_disrupted(),
        "silence_url": links.silence(alert=alert),
        "no_trouble": f"Silence it; if it is ordinary here, {limit} in the definitions",
    }
