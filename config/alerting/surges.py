"""Alerts on surges: departures from what a series' own past leads one to expect, which the detectors have opened.

A surge opens once and closes once; its id is a label, so an alert lives as long as the surge does, whatever restarts.
One inside an action that expected it is shown, and wakes nobody.
"""

from collections.abc import Mapping
from typing import Any

from config.alerting.links import LOSSES_BOARD, SIGNALS_BOARD, Links
from config.alerting.model import Alert, Group, Recording, Severity
from config.alerting.owners import RECORDINGS, owner_alert
from config.alerting.phrases import (
    CLOCK,
    DURATION,
    MONEY,
    PERCENT,
    WHOLE,
    asked,
    course,
    each,
    fresh,
    moment,
    one,
    where_any,
)
from streams.facts.definitions.model import Definitions
from streams.surges.series import FAMILIES, LOST_CUSTOMERS, LOST_VALUE

LABELS = (
    "surge", "story", "measure", "segment", "region", "product", "brand", "topic", "service", "stage", "direction",
)  # fmt: skip
RECORDED = ("surge_observed", "surge_expected", "surge_onset_timestamp_seconds")

FRESH = fresh("company:netgrowth_surges_fresh:bool")
"""Joined to what is said of surges: those of replays and backfills page nobody."""

_OWN_MEASURES = "|".join(sorted(FAMILIES))
_OF_DEFINITIONS = f'surge:netgrowth_surge_observed:max{{measure!~"{_OWN_MEASURES}",direction="up"}}'

LEAST_LOST = 3
"""Customers lost below which nobody is woken, whatever was expected."""


LOST = "surge:netgrowth_surge_customers_lost:max"
"""Customers behind a surge of losses: one who takes much value along wakes nobody."""


LOSS_SURGE = "NetgrowthLossSurge"


def pages(surge: Mapping[str, Any]) -> str | None:
    """Name of the alert that a surge of customers lost fires while it is open, as its rule says; None: none.

    Whether history pages anybody is not looked at. `surge`: as `streams.surges.surge.Surge.shown` tells it.
    """
    is_loss = surge["series"]["measure"] == LOST_CUSTOMERS and surge["direction"] == "up"
    return LOSS_SURGE if is_loss and surge["observed"] >= LEAST_LOST and not surge.get("is_expected") else None


def surge_groups(definitions: Definitions) -> tuple[Group, ...]:
    """The rules on surges."""
    fresh_s = definitions.alerts.page_fresh_us // 1_000_000
    by = ", ".join(LABELS)
    unexpected = '{is_expected="false"}'
    recordings = (
        Recording(
            "company:netgrowth_surges_fresh:bool",
            f"time() - max(netgrowth_surges_clock_timestamp_seconds) < bool {fresh_s}",
        ),
        *(
            Recording(f"surge:netgrowth_{name}:max",
                      f"max by ({by}) (last_over_time(netgrowth_{name}{unexpected}[1m]))")
            for name in RECORDED
        ),
    )  # fmt: skip
    recordings = (*recordings, Recording(
        LOST, "max by (surge) (last_over_time(netgrowth_surge_customers_lost[1m]))"
    ))  # fmt: skip
    losses = f"{_up(LOST_CUSTOMERS)} >= {LEAST_LOST} or {_up(LOST_VALUE)} > 0 and on (surge) {LOST} >= {LEAST_LOST}"
    tickets = owner_alert(definitions, f"({losses}) and {FRESH}")
    return (Group("netgrowth-surges", (*recordings, *RECORDINGS), (*_alerts(definitions), tickets)),)


def _alerts(definitions: Definitions) -> tuple[Alert, ...]:
    owner, currency = definitions.alerts.owner, definitions.currency
    losses, signals = _links(definitions, LOSSES_BOARD), _links(definitions, SIGNALS_BOARD)
    customers = losses | {"customers_url": Links(definitions.alerts).customers_lost()}
    amount = f", {{{{ . | first | value | {MONEY} }}}} {currency} of expected value"
    value = where_any(_of_surge("value_lost"), amount)
    lost = one(_of_surge("customers_lost"), WHOLE, _VALUE)
    why = f"{_REASON}{_BEFORE}{_COURSE}.{_LOST_PARTS}{_DONE}"
    return (
        Alert(
            LOSS_SURGE, Severity.CRITICAL, owner, f"{_up(LOST_CUSTOMERS)} >= {LEAST_LOST} and {FRESH}",
            "Customers are leaving.",
            f"{WHO}: {lost} lost{_SINCE} ({_expected(WHOLE)}){value}{why}",
            keep="1m", cause="customers", feed="customer-events", resolved=_resolved(currency), links=customers,
        ),
        Alert(
            "NetgrowthValueSurge", Severity.CRITICAL, owner,
            f"{_up(LOST_VALUE)} > 0 and on (surge) {LOST} >= {LEAST_LOST} and {FRESH}",
            "Value is leaving.",
            f"{WHO}: {one(_of_surge('value_lost'), MONEY, _VALUE)} {currency} of expected value lost{_SINCE} "
            f"({_expected(MONEY)}){where_any(_of_surge('customers_lost'), _WITH)}{why}",
            keep="1m", cause="customers", feed="customer-events", resolved=_resolved(currency), links=customers,
        ),
        Alert(
            "NetgrowthDisruptionSurge", Severity.WARNING, owner, f"{_up('disrupted_customers')} > 0 and {FRESH}",
            "More customers are disrupted than usual.",
            f"{WHO}: {_VALUE} customers disrupted, counted anew each minute{_SINCE} ({_expected(WHOLE)})"
            f"{_COURSE}.{_PARTS}{_DONE}",
            keep="1m", cause="customers", feed="qos-signals", resolved=_resolved(currency), links=signals,
        ),
        Alert(
            "NetgrowthUnhappySurge", Severity.WARNING, owner, f"{_up('unhappy_mentions')} > 0 and {FRESH}",
            "People complain.",
            f"{WHO}: {_VALUE} unhappy mentions{_SINCE} ({_expected(WHOLE)}){_COURSE}.{_PARTS}{_DONE}",
            keep="1m", cause="customers", feed="social-mentions", resolved=_resolved(currency), links=signals,
        ),
        Alert(
            "NetgrowthHappySurge", Severity.INFO, owner, f"{_up('happy_mentions')} > 0 and {FRESH}",
            "People praise.",
            f"{WHO}: {_VALUE} happy mentions{_SINCE} ({_expected(WHOLE)}){_COURSE}.{_PARTS}{_DONE}",
            keep="1m", cause="customers", feed="social-mentions", resolved=_resolved(currency), links=signals,
        ),
        Alert(
            "NetgrowthNamedSurge", Severity.WARNING, owner,
            f"{_OF_DEFINITIONS} > 0 and {FRESH}",
            "A series that the definitions name is higher than usual.",
            f"{{{{ $labels.measure }}}}, {WHO}: {_VALUE} counted{_SINCE} ({_expected(WHOLE)}){_COURSE}."
            f"{_PARTS}{_DONE}",
            keep="1m", cause="customers", resolved=_resolved(currency), links=signals,
        ),
    )  # fmt: skip


def _links(definitions: Definitions, board: str) -> dict[str, str]:
    links = Links(definitions.alerts)
    onset = asked("(max(surge:netgrowth_surge_onset_timestamp_seconds:max{surge=%q}) - 3600) * 1000", "surge")
    return {
        "dashboard_url": links.board(board, onset),
        "silence_url": links.silence("story"),
        "no_trouble": "netgrowth surges mark {{ $labels.surge }} false",
    }


def _up(measure: str) -> str:
    return f'surge:netgrowth_surge_observed:max{{measure="{measure}",direction="up"}}'


def _of_surge(metric: str) -> str:
    """Asks for a metric of the alert's surge, for as long as the alert may outlive it."""
    return asked(f"max(last_over_time(netgrowth_surge_{metric}{{surge=%q}}[2m]))", "surge")


def _expected(shown: str) -> str:
    """What was expected since the onset; a surge that lasts may have been made up for by what followed."""
    expected, observed = (f"max(surge:netgrowth_surge_{name}:max{{surge=%q}})" for name in ("expected", "observed"))
    return where_any(
        asked(f"{expected} >= {observed}", "surge", "surge"),
        f"by now no more than the {{{{ . | first | value | {shown} }}}} expected",
        f"expected {one(asked(expected, 'surge'), shown)}",
    )  # fmt: skip


def _resolved(currency: str) -> str:
    """How long it lasted, what it cost in all, and what of the same trouble is still open."""
    lasted = asked(
        "(max(netgrowth_surge_closed_timestamp_seconds{surge=%q}) or max(netgrowth_surges_clock_timestamp_seconds)) "
        "- max(surge:netgrowth_surge_onset_timestamp_seconds:max{surge=%q})", "surge", "surge",
    )  # fmt: skip
    value = one(_of_surge("value_lost"), MONEY)
    disrupted = where_any(
        _of_surge("customers_lost_disrupted_before"),
        f", {{{{ . | first | value | {WHOLE} }}}} of them disrupted in the hour before",
    )
    cost = where_any(
        _of_surge("customers_lost"),
        f"; {{{{ . | first | value | {WHOLE} }}}} customers and {value} {currency} lost in all{disrupted}",
        f"; {_VALUE} counted in all",
    )
    names = 'label "measure" | reReplaceAll "_" " "'
    places = "".join(
        f'{{{{ if $one | label "{label}" }}}} of {label} {{{{ $one | label "{label}" }}}}{{{{ end }}}}'
        for label in ("segment", "region", "product", "brand", "service", "stage")
    )
    still = where_any(
        asked(
            "sort_desc(max by (measure, segment, region, product, brand, service, stage) "
            "(surge:netgrowth_surge_observed:max{story=%q,surge!=%q} unless on (surge) "
            "last_over_time(netgrowth_surge_closed_timestamp_seconds[1m])))", "story", "surge",
        ),
        " Still open of this trouble:" + each(f"{{{{ $one | {names} }}}}{places}") + ".",
        " Nothing of this trouble is open any more.",
    )  # fmt: skip
    after = where_any(lasted, f" after {{{{ . | first | value | {DURATION} }}}}")
    return f"{WHO}: over{after}{cost}.{still}"


WHO = (
    "{{ if $labels.brand }}{{ $labels.brand }}{{ if $labels.topic }} on {{ $labels.topic }}{{ end }}"
    "{{ else if $labels.service }}{{ $labels.service }}{{ if $labels.stage }}, {{ $labels.stage }}{{ end }}"
    "{{ else if $labels.segment }}Segment {{ $labels.segment }}"
    "{{ else if $labels.region }}Region {{ $labels.region }}"
    "{{ else if $labels.product }}Product {{ $labels.product }}{{ else }}The company{{ end }}"
    "{{ if $labels.service }}{{ if $labels.segment }}, segment {{ $labels.segment }}{{ end }}"
    "{{ if $labels.region }}, region {{ $labels.region }}{{ end }}{{ end }}"
)

_VALUE = f"{{{{ $value | {WHOLE} }}}}"

_WITH = f", {{{{ . | first | value | {WHOLE} }}}} customers"

_ONSET = "max(surge:netgrowth_surge_onset_timestamp_seconds:max{surge=%q})"

_SINCE = where_any(
    asked(f"{_ONSET} > time() - 43200", "surge"), f" since {moment(CLOCK)}",
    where_any(asked(_ONSET, "surge"), f" since {moment()}"),
)  # fmt: skip

_REASON = where_any(
    asked(
        "topk(1, max by (reason) (netgrowth_surge_customers_lost_by_reason{surge=%q,reason!=\"unknown\"})) * 100 "
        "/ on () group_left () max(netgrowth_surge_customers_lost{surge=%q})", "surge", "surge",
    ),
    f"; {{{{ . | first | value | {PERCENT} }}}} say '{{{{ . | first | label \"reason\" }}}}'",
)  # fmt: skip

_BEFORE = where_any(
    asked(
        "topk(1, max by (stage) (netgrowth_surge_customers_lost_disrupted_before_by_stage{surge=%q})) * 100 "
        "/ on () group_left () max(netgrowth_surge_customers_lost{surge=%q})", "surge", "surge",
    ),
    f"; {{{{ . | first | value | {PERCENT} }}}} of them were disrupted at {{{{ . | first | label \"stage\" }}}} "
    "in the hour before",
)  # fmt: skip

_COURSE = course(_of_surge("course"), "; ")

_LABEL_AND_VALUE = '{{ $one | label "label" }} {{ $one | label "value" }}'

_PARTS = where_any(
    asked(
        "topk(3, max by (label, value) (netgrowth_surge_evidence_ratio{surge=%q,label!=\"reason\"})) * 100", "surge"
    ),
    " Of the excess:" + each(f"{{{{ $one | value | {PERCENT} }}}} {_LABEL_AND_VALUE}") + ".",
)  # fmt: skip

_LOST_PARTS = where_any(
    asked(
        "sort_desc(max by (label, value) (netgrowth_surge_customers_lost_by_part{surge=%q}) * 100 "
        "/ on () group_left () max(netgrowth_surge_customers_lost{surge=%q}))", "surge", "surge",
    ),
    " Of them:" + each(f"{{{{ $one | value | {PERCENT} }}}} {_LABEL_AND_VALUE}") + ".",
)  # fmt: skip

_DONE = where_any(
    asked("topk(3, max by (kind, text) (netgrowth_surge_action_timestamp_seconds{surge=%q}))", "surge"),
    " What we did from two hours before on:"
    + each(f"{{{{ $one | label \"kind\" }}}} '{{{{ $one | label \"text\" }}}}' at {moment(CLOCK, '$one')}") + ".",
    " No action of ours was entered for the two hours before.",
)  # fmt: skip
