"""Reading the section `alerts`: who is told, what is too old to page, and limits that only the company can name."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from streams.facts.definitions.owners import CustomerOwner, read_customer_link, read_owners
from streams.facts.definitions.reader import Faults, Section, as_section, read_share, read_span, read_text, read_whole
from streams.facts.definitions.tree import Tree
from streams.ledger.rules import MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class AlertRules:
    """What the definitions say of alerts. Spans are microseconds.

    Attributes:
        page_fresh_us: tables whose clock stands further back than this alert nobody: replays, backfills, outages that
            are being read up.
        owner: who is told of customers, as a label for Alertmanager's routes.
        monitor_owner: who is told when the monitor itself is not well.
        value_at_risk: expected value of customers disrupted at once that is worth a page, whole units of the
            currency; None: no limit.
        heartbeats: feeds that promise a record at least so often, if only a heartbeat; another is judged by its past.
        netgrowth, grafana, alertmanager: addresses under which a person finds a worker, the boards and Alertmanager;
            links of a page begin with them.
        owners: who answers for which customers: the first whose conditions hold.
        customer_link: address of a customer's page, in which `{customer}` stands for its name; None: there is none.
        undisrupted: share of customers that a stage promises not to disrupt: the objective of its burn rate.
    """

    page_fresh_us: int = 15 * MINUTE
    owner: str = "customers"
    monitor_owner: str = "monitoring"
    value_at_risk: int | None = None
    undisrupted: float = 0.99
    heartbeats: tuple[tuple[str, int], ...] = ()
    owners: tuple[CustomerOwner, ...] = ()
    customer_link: str | None = None
    netgrowth: str = "http://localhost:6066"
    grafana: str = "http://localhost:3000"
    alertmanager: str = "http://localhost:9093"

    def owner_of(self, segment: str, region: str, product: str) -> str | None:
        """Who answers for a customer; None: nobody in particular."""
        labels = segment, region, product
        return next((owner.name for owner in self.owners if owner.owns(labels)), None)


HEARTBEAT_FEEDS = ("customer-events", "qos-signals", "service-status", "social-mentions", "survey-responses")
LEAST_HEARTBEAT = 10 * SECOND

PLACES = ("netgrowth", "grafana", "alertmanager")
"""What pages link to."""


def _read_links(tree: Tree, path: str, faults: Faults) -> dict[str, str] | None:
    section = as_section(tree, path, faults, path)
    if section is None:
        return None
    found = {name: address for name in PLACES if (address := section.optional(name, _read_address)) is not None}
    section.close()
    return found


def _read_heartbeats(tree: Tree, path: str, faults: Faults) -> tuple[tuple[str, int], ...] | None:
    section = as_section(tree, path, faults, path)
    if section is None:
        return None
    found = []
    for feed in HEARTBEAT_FEEDS:
        every_us = section.optional(feed, read_span)
        if every_us is not None and every_us < LEAST_HEARTBEAT:
            faults.add(tree, section.at(feed), "10 s is the shortest promise", "write for example 1m")
        elif every_us is not None:
            found.append((feed, every_us))
    section.close()
    return tuple(found)


def _read_address(tree: Tree, path: str, faults: Faults) -> str | None:
    address = read_text(tree, path, faults)
    if address is None:
        return None
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or set("{}\"' ") & set(address):
        faults.add(tree, path, "this is no address", "write for example https://grafana.example.com")
        return None
    return address.rstrip("/")


def read_alerts(section: Section) -> AlertRules:
    """What the definitions say of alerts; the defaults where they say nothing."""
    plain = AlertRules()
    tree = section.take("alerts")
    inner = None if tree is None else as_section(tree, "alerts", section.faults, "alerts")
    if inner is None:
        return plain
    rules = AlertRules(
        page_fresh_us=inner.read("page_fresh", read_span, plain.page_fresh_us),
        owner=inner.read("owner", read_text, plain.owner),
        monitor_owner=inner.read("monitor_owner", read_text, plain.monitor_owner),
        value_at_risk=inner.optional("value_at_risk", read_whole),
        undisrupted=inner.read("undisrupted", read_share, plain.undisrupted),
        owners=inner.read("owners", read_owners, ()),
        customer_link=inner.optional("customer_link", read_customer_link),
    )
    heartbeats = inner.optional("heartbeats", _read_heartbeats)
    if heartbeats is not None:
        rules = replace(rules, heartbeats=heartbeats)
    links = inner.optional("links", _read_links)
    if links is not None:
        rules = replace(rules, **links)  # type: ignore[arg-type]  # its keys are PLACES
    inner.close()
    if rules.undisrupted == 1:
        section.faults.add(
            inner.table, "alerts.undisrupted", "nobody can promise to disrupt no customer", "write for example 0.99"
        )
    return rules

