"""Alerts on surges: departures from what a series' own past leads one to expect, which the detectors have opened.

A surge opens once and closes once; its id is a label, so an alert lives as long as the surge does, whatever restarts.
One inside an action that expected it is shown, and wakes nobody.
"""

from config.alerting.customers import MONEY, WHOLE
from config.alerting.model import Alert, Group, Recording, Severity
from streams.facts.definitions.model import Definitions

LABELS = (
    "surge", "story", "measure", "segment", "region", "product", "brand", "topic", "service", "stage", "direction",
)  # fmt: skip
RECORDED = ("surge_observed", "surge_expected", "surge_onset_timestamp_seconds")

FRESH = "on () company:netgrowth_surges_fresh:bool == 1"
"""Joined to what is said of surges: those of replays and backfills page nobody."""

LEAST_LOST = 3
"""Customers lost below which nobody is woken, whatever was expected."""


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
    return (Group("netgrowth-surges", recordings, _alerts(definitions.alerts.owner, definitions.currency)),)


def _alerts(owner: str, currency: str) -> tuple[Alert, ...]:
    return (
        Alert(
            "NetgrowthLossSurge", Severity.CRITICAL, owner, f"{_up('lost_customers')} >= {LEAST_LOST} and {FRESH}",
            "Customers are leaving.",
            f"{WHO}: {_VALUE} lost{_SINCE} (expected {_expected(WHOLE)}), {_LOST_VALUE} {currency} of expected value "
            f"in the last hour{_EVIDENCE}.",
            keep="1m", cause="loss", feed="customer-events",
        ),
        Alert(
            "NetgrowthValueSurge", Severity.CRITICAL, owner, f"{_up('lost_value')} > 0 and {FRESH}",
            "Value is leaving.",
            f"{WHO}: {{{{ $value | {MONEY} }}}} {currency} of expected value lost{_SINCE} (expected "
            f"{_expected(MONEY)}){_EVIDENCE}.",
            keep="1m", cause="loss", feed="customer-events",
        ),
        Alert(
            "NetgrowthDisruptionSurge", Severity.WARNING, owner, f"{_up('disrupted_customers')} > 0 and {FRESH}",
            "More customers are disrupted than usual.",
            f"{WHO}: {_VALUE} customers disrupted{_SINCE} (expected {_expected(WHOLE)}){_EVIDENCE}.",
            keep="1m", cause="health", feed="qos-signals",
        ),
        Alert(
            "NetgrowthUnhappySurge", Severity.WARNING, owner, f"{_up('unhappy_mentions')} > 0 and {FRESH}",
            "People complain.",
            f"{WHO}: {_VALUE} unhappy mentions{_SINCE} (expected {_expected(WHOLE)}){_EVIDENCE}.",
            keep="1m", cause="voice", feed="social-mentions",
        ),
        Alert(
            "NetgrowthHappySurge", Severity.INFO, owner, f"{_up('happy_mentions')} > 0 and {FRESH}",
            "People praise.",
            f"{WHO}: {_VALUE} happy mentions{_SINCE} (expected {_expected(WHOLE)}){_EVIDENCE}.",
            keep="1m", cause="voice", feed="social-mentions",
        ),
    )  # fmt: skip


def _up(measure: str) -> str:
    return f'surge:netgrowth_surge_observed:max{{measure="{measure}",direction="up"}}'


def _asked(metric: str) -> str:
    """Asks for a metric of the surge that the alert is about."""
    return f'printf "{metric}{{surge=\\"%s\\"}}" $labels.surge | query'


def _expected(shown: str) -> str:
    asked = _asked("surge:netgrowth_surge_expected:max")
    return f"{{{{ with {asked} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}unknown{{{{ end }}}}"


WHO = (
    "{{ if $labels.brand }}{{ $labels.brand }}{{ if $labels.topic }} on {{ $labels.topic }}{{ end }}"
    "{{ else if $labels.service }}{{ $labels.service }}{{ if $labels.stage }}, {{ $labels.stage }}{{ end }}"
    "{{ else if $labels.segment }}Segment {{ $labels.segment }}"
    "{{ else if $labels.region }}Region {{ $labels.region }}"
    "{{ else if $labels.product }}Product {{ $labels.product }}{{ else }}The company{{ end }}"
    "{{ if $labels.segment }}{{ if $labels.service }}, segment {{ $labels.segment }}{{ end }}"
    "{{ if $labels.region }}, region {{ $labels.region }}{{ end }}{{ end }}"
)

_VALUE = f"{{{{ $value | {WHOLE} }}}}"

_SINCE = (
    f"{{{{ with {_asked('surge:netgrowth_surge_onset_timestamp_seconds:max')} }}}} since "
    "{{ . | first | value | humanizeTimestamp }}{{ end }}"
)

_LOST_VALUE = (
    '{{ with printf "max(netgrowth_value_lost{window=\\"1h\\",segment=\\"%s\\",region=\\"%s\\",'
    'product=\\"%s\\"})" $labels.segment $labels.region $labels.product | query }}'
    f"{{{{ . | first | value | {MONEY} }}}}{{{{ else }}}}unknown{{{{ end }}}}"
)

_EVIDENCE = (
    "{{ with printf \"sort_desc(max by (label, value) (netgrowth_surge_evidence_ratio{surge=\\\"%s\\\"}))\" "
    "$labels.surge | query }}; mostly{{ range $place, $one := . }}{{ if $place }},{{ end }} "
    "{{ $one | label \"label\" }} {{ $one | label \"value\" }} ({{ $one | value | humanizePercentage }}){{ end }}"
    "{{ end }}"
)
