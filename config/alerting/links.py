"""Addresses that a page carries: the board and the customers behind it, and a silence with its matchers filled in."""

from collections.abc import Sequence

from config.alerting.phrases import in_address, moment, where_any
from streams.facts.definitions.alerts import AlertRules

LOSSES_BOARD = "netgrowth-customer-math"
SIGNALS_BOARD = "netgrowth-health-and-voice"
MONITOR_BOARD = "netgrowth-monitor"

SCOPES = ("segment", "region", "product")
BOARD_VARIABLES = {LOSSES_BOARD: SCOPES, SIGNALS_BOARD: ("brand",), MONITOR_BOARD: ()}
"""What can be chosen on each board."""

LAST_HOURS = '"(vector(time()) - 10800) * 1000" | query'
"""Where the time range of a page begins that has no onset of its own: three hours ago."""

INSTANT = "2006-01-02T15:04:05Z"


class Links:
    """Makes templates of addresses, where the definitions say that things can be found."""

    def __init__(self, rules: AlertRules) -> None:
        self._rules = rules

    def board(self, board: str, since: str = LAST_HOURS) -> str:
        """A board with scope and time range set; `since`: asks for its beginning, milliseconds since 1970."""
        begins = f'{{{{ with {since} }}}}{{{{ . | first | value | printf "%.0f" }}}}{{{{ else }}}}now-3h{{{{ end }}}}'
        chosen = "".join(_given(label, f"&var-{label}=") for label in BOARD_VARIABLES[board])
        return f"{self._rules.grafana}/d/{board}?from={begins}&to=now{chosen}"

    def customers_lost(self) -> str:
        """The page with the list of those who were lost in the hour up to now, in the scope of the alert."""
        until = where_any(
            '"floor(max(netgrowth_tables_clock_timestamp_seconds) / 60) * 60" | query', f"&at={moment(INSTANT)}"
        )
        scope = "".join(_given(label, f"&{label}=") for label in SCOPES)
        return f"{self._rules.netgrowth}/?window=1h&who=lost{scope}{until}"

    def customers_disrupted(self) -> str:
        """The page with the list of those who were disrupted in the last hour, in the scope of the alert."""
        scope = "".join(_given(label, f"&{label}=") for label in ("service", "stage", "segment", "region"))
        return f"{self._rules.netgrowth}/?window=1h&who=disrupted{scope}"

    def silence(self, *labels: str, alert: str = "") -> str:
        """A new silence in Alertmanager for one trouble.

        Args:
            labels: by which it is told from others; none: by all that the alert's series has.
            alert: name of the alert, if the silence is for it alone.
        """
        named = f"alertname%3D%22{alert}%22" if alert else ""
        if labels:
            matchers = _joined([named, *(f"{one}%3D%22{in_address(f'$labels.{one}')}%22" for one in labels)])
        else:
            matchers = named + (
                '{{ range $name, $given := $labels }}{{ if ne $name "__name__" }}%2C{{ $name }}%3D%22'
                f"{in_address('$given')}%22{{{{ end }}}}{{{{ end }}}}"
            )
        return f"{self._rules.alertmanager}/#/silences/new?filter=%7B{matchers}%7D"


def _given(label: str, before: str) -> str:
    return f"{{{{ if $labels.{label} }}}}{before}{in_address(f'$labels.{label}')}{{{{ end }}}}"


def _joined(matchers: Sequence[str]) -> str:
    return "%2C".join(one for one in matchers if one)
