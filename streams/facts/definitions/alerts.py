"""Reading the section `alerts`: who is told, what is too old to page, and limits that only the company can name."""

from dataclasses import dataclass

from streams.facts.definitions.reader import Section, as_section, read_share, read_span, read_text, read_whole
from streams.ledger.rules import MINUTE


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
        undisrupted: share of customers that a stage promises not to disrupt: the objective of its burn rate.
    """

    page_fresh_us: int = 15 * MINUTE
    owner: str = "customers"
    monitor_owner: str = "monitoring"
    value_at_risk: int | None = None
    undisrupted: float = 0.99


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
    )
    inner.close()
    if rules.undisrupted == 1:
        section.faults.add(
            inner.table, "alerts.undisrupted", "nobody can promise to disrupt no customer", "write for example 0.99"
        )
    return rules

