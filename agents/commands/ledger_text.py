"""The ledger's JSON as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from streams.report.wording import plural

REASONS_SHOWN = 5


def money(value: int, currency: str) -> str:
    """Minor units as major units with thousands separated."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 100:,}.{abs(value) % 100:02d} {currency}"


def ledger_lines(ledger: dict[str, Any]) -> Iterator[str]:
    """Net growth first, then why, where from, by segment, the windows, and what became of the records."""
    currency = ledger["currency"]
    definitions = ledger["definitions"]
    until = "no record with an event time" if ledger["until"] is None else f"until {ledger['until']}"
    yield f"Ledger {until}, definitions {definitions['name']} {definitions['version']}"
    yield ""
    total = ledger["total"]
    yield from _row_lines(total, currency)
    yield ""
    yield f"{'by segment':<28}{'gained':>9}{'lost':>9}{'net':>9}{'closing':>10}{'net value':>22}"
    for name, row in ledger["segments"].items():
        yield _short(name, row, currency)
    yield ""
    if ledger["windows"]:
        yield f"{'window':<28}{'gained':>9}{'lost':>9}{'net':>9}{'closing':>10}{'net value':>22}"
    for name, row in ledger["windows"].items():
        yield _short(name if row["final"] else f"{name} (provisional)", row, currency)
    for period in ledger.get("periods", ()):
        yield _short(f"from {period['start'][:16]}", period["total"], currency)
    yield ""
    yield from _accounting_lines(ledger["accounting"])


def _gained(row: dict[str, Any]) -> int:
    gained: int = row["new"]["customers"] + row["returned"]["customers"]
    return gained


def _short(name: str, row: dict[str, Any], currency: str) -> str:
    net = row["net"]
    return (
        f"{name:<28}{_gained(row):>9,}{row['lost']['customers']:>9,}{net['customers']:>+9,}"
        f"{row['closing']['customers']:>10,}{money(net['value'], currency):>22}"
    )


def _row_lines(row: dict[str, Any], currency: str) -> Iterator[str]:
    def amount(name: str) -> str:
        customers = row[name]["customers"]
        noun = "customer" if abs(customers) == 1 else "customers"
        return f"{customers:>9,} {noun:<9} {money(row[name]['value'], currency):>22}"

    for name in ("opening", "new", "returned", "lost", "net", "closing", "early_loss", "pending_loss"):
        yield f"{name.replace('_', ' '):<14}{amount(name)}"
    yield f"{'expansion':<33}{money(row['expansion'], currency):>22}"
    yield f"{'contraction':<33}{money(row['contraction'], currency):>22}"
    if "retention" in row:
        stayed, of = row["stayed"]["customers"], row["stayed_of"]["customers"]
        yield f"retention     {row['retention']:.1%} ({stayed:,} stayed of {of:,})"
    marbles = row["marbles"]
    yield (
        f"marbles       {marbles['gained']} in, {marbles['lost']} out, each of "
        f"{plural(marbles['customers_per_marble'], 'customer')} (left over: {marbles['remainder_gained']} and "
        f"{marbles['remainder_lost']})"
    )
    if row["reasons"]:
        yield "top reasons customers left:"
        for reason in row["reasons"][:REASONS_SHOWN]:
            worth = money(reason["value"], currency)
            yield f"  {reason['reason']:<44}{reason['customers']:>7,}{worth:>20}"
        unusable = row["reasons_unusable"]["customers"]
        yield f"  no usable reason: {unusable:,} of {row['lost']['customers']:,}"
    if row["activities"]:
        yield "what brought customers in:"
        for activity in row["activities"][:REASONS_SHOWN]:
            yield (
                f"  {activity['activity']:<44}{activity['customers']:>7,}"
                f"   still here {activity['still_here']:,}"
            )
    yield f"referrals     {row['referrals']:,} by {plural(row['recommenders'], 'customer')}"


def _accounting_lines(counted: dict[str, Any]) -> Iterator[str]:
    def named(name: str) -> str:
        return ", ".join(f"{what} {count:,}" for what, count in counted[name].items()) or "none"

    yield f"records {counted['records']:,}: dead letters {named('dead_lettered')}; no fact {named('no_fact')}; " \
        f"unmapped {counted['unmapped']:,}"
    yield f"facts {counted['facts']:,}: applied {counted['applied']:,}; ignored {named('ignored')}; " \
        f"pending {counted['pending']:,}; beyond the horizon {counted['beyond_horizon']:,}"
    yield f"movements: {named('movements')}; by the clock {counted['by_clock']:,}"
    if "links_too_late" in counted:
        yield f"links that put another right too late: {counted['links_too_late']:,}"
