"""The ticket to someone who answers for customers: only theirs, by the name that is shown of customers."""

from config.alerting.links import LOSSES_BOARD, Links
from config.alerting.model import Alert, Recording, Severity
from config.alerting.phrases import CLOCK, MONEY, WHOLE, asked, each, moment, one, where_any
from streams.facts.definitions.alerts import AlertRules
from streams.facts.definitions.model import Definitions
from streams.facts.definitions.owners import CUSTOMER

OWNED = "owned"
"""Cause of these tickets: each owner has one of its own, apart from the page."""

LOST = "owner:netgrowth_owner_customers_lost:max"

RECORDINGS = (
    Recording(LOST, "max by (story, owner) (last_over_time(netgrowth_owner_customers_lost[1m]))"),
)

# As long as the alert may outlive what it tells of.
_LOST = f"max({LOST}{{story=%q,owner=%q}})"
_VALUE = "max(last_over_time(netgrowth_owner_value_lost{story=%q,owner=%q}[2m]))"
_LISTED = "max by (customer) (last_over_time(netgrowth_owner_customer_value_lost{story=%q,owner=%q}[2m]))"
_ONSET = "min(surge:netgrowth_surge_onset_timestamp_seconds:max{story=%q})"
_BOTH = ("story", "owner")


def owner_alert(definitions: Definitions, while_paged: str) -> Alert:
    """The ticket of every owner; `while_paged`: there for each story whose losses page somebody."""
    rules, currency = definitions.alerts, definitions.currency
    links = Links(rules)
    value = one(asked(_VALUE, *_BOTH), MONEY)
    listed = where_any(asked(f"sort_desc({_LISTED})", *_BOTH), ":" + each(_customer(rules, currency)))
    more = where_any(
        asked(f"{_LOST} - count({_LISTED}) > 0", *_BOTH, *_BOTH), f" and {{{{ . | first | value | {WHOLE} }}}} more"
    )
    since = where_any(asked(_ONSET, "story"), f" since {moment(CLOCK)}")
    more_links = {"ticket_to": _addresses(rules)} if any(owner.email for owner in rules.owners) else {}
    return Alert(
        "NetgrowthOwnerLosses", Severity.WARNING, "{{ $labels.owner }}", f"{LOST} >= 1 and on (story) {while_paged}",
        "Customers of yours have left.",
        f"{{{{ $labels.owner }}}}: {{{{ $value | {WHOLE} }}}} of your customers lost{since}, {value} {currency} of "
        f"expected value{listed}{more}.",
        keep="1m", cause=OWNED, feed="customer-events",
        resolved=f"{{{{ $labels.owner }}}}: over; {{{{ $value | {WHOLE} }}}} of your customers and {value} "
        f"{currency} lost in all.",
        links={
            "dashboard_url": links.board(LOSSES_BOARD, asked(f"({_ONSET} - 3600) * 1000", "story")),
            "silence_url": links.silence(*_BOTH),
            "no_trouble": "netgrowth surges mark {{ $labels.story }} false",
            **more_links,
        },
    )  # fmt: skip


def _customer(rules: AlertRules, currency: str) -> str:
    """A customer of the list: its name, what it was worth, and where it is found."""
    where = ""
    if rules.customer_link is not None:
        before, _, behind = rules.customer_link.partition(CUSTOMER)
        where = f', {before}{{{{ $one | label "customer" | urlquery }}}}{behind}'
    return f'{{{{ $one | label "customer" }}}} ({{{{ $one | value | {MONEY} }}}} {currency}{where})'


def _addresses(rules: AlertRules) -> str:
    """Where an owner's ticket goes, chosen by the owner's name; nothing for those without an address."""
    chosen = (
        f"{{{{ if eq $labels.owner {_quoted(owner.name)} }}}}{owner.email}{{{{ end }}}}"
        for owner in rules.owners
        if owner.email is not None
    )
    return "".join(chosen)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
