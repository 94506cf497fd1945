"""The report card of an instant: what a meeting about customers opens with.

Made from the ledger's JSON alone, so that it reads the same from a file and from a running worker. Values are
minor units of the currency; the text shows major units.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.report.health import health_lines
from streams.report.surges import surge_lines, surges_section
from streams.report.voice import voice_lines, voice_section
from streams.report.wording import money, plural
from streams.tables.rows import top_reasons

Line = dict[str, Any]


def card(
    ledger: Mapping[str, Any], *, window: str = "all", known_until: str | None = None, final: bool | None = None,
    silos: Mapping[str, Any] | None = None, voice: Mapping[str, Any] | None = None,
    health: Mapping[str, Any] | None = None,
    surges: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report card of one window of the ledger's JSON.

    `segments` are over all time, as the ledger states them.

    Args:
        known_until: the clock of what is known now, if that is past the ledger's: it is what tells whether the card
            is final, so give `final` too.
        final: nothing inside the horizon can change this window any more; by default as the ledger states it.
        surges: as `/api/v1/surges` has them; None: they are not looked for.
        voice: what customers say, as `/api/v1/voice` has it; None: no mentions are read.
        health: what customers experience (`streams.report.health`); None: no signals are read.
        silos: each silo's own count explained over all time (`streams.silos`), where it is known.
    Raises: KeyError, naming the windows there are, for another one.
    """
    windows = ledger["windows"]
    if window not in windows:
        raise KeyError(f"no window {window!r}; there are {', '.join(windows)}")
    row = windows[window]
    gained = _sum(row["new"], row["returned"])
    made: dict[str, Any] = {
        "definitions": dict(ledger["definitions"]),
        "currency": ledger["currency"],
        "at": ledger["until"],
        "known_until": ledger["until"] if known_until is None else known_until,
        "window": window,
        "final": row["final"] if final is None else final,
        "net": row["net"],
        "gained": gained,
        "new": row["new"],
        "returned": row["returned"],
        "lost": row["lost"],
        "stayed": row["stayed"],
        "stayed_of": row["stayed_of"],
        "opening": row["opening"],
        "closing": row["closing"],
        "early_loss": row["early_loss"],
        "pending_loss": row["pending_loss"],
        "lost_by_kind": row["lost_by_kind"],
        "marbles": row["marbles"],
        "reasons_by_volume": with_shares(top_reasons(row), row["lost"]),
        "reasons_by_value": with_shares(top_reasons(row, by="value"), row["lost"]),
        "reasons_unusable": with_shares([row["reasons_unusable"]], row["lost"])[0],
        "activities": row["activities"],
        "recommenders": row["recommenders"],
        "referrals": row["referrals"],
        "earned": row["earned"],
        "segments": [
            {
                "segment": name,
                "gained": _sum(segment["new"], segment["returned"]),
                **{
                    field: segment[field] for field in ("lost", "net", "closing", "transferred_in", "transferred_out")
                },
            }
            for name, segment in ledger["segments"].items()
        ],
        "problems": _problems(ledger.get("accounting", {}), row),
    }
    for name in ("retention", "earned_growth"):
        if name in row:
            made[name] = row[name]
    if "counts_from" in row:
        made["counts_from"] = row["counts_from"]
    if silos is not None:
        made["silos"] = silos["silos"]
    if "before" in row:
        made["net_before"] = row["before"]["net"]
    if health is not None:
        made["health"] = dict(health)
    if voice is not None:
        made["voice"] = voice_section(voice, window)
    if surges is not None:
        made["surges"] = surges_section(surges)
    return made


def add_silos(made: dict[str, Any], explained: Mapping[str, Any]) -> None:
    """Add to a running worker's card each silo's own count, explained from the records that are kept."""
    made["silos"] = explained["silos"]
    made["silos_company"] = explained["company"]["closing"]


def card_lines(of: Mapping[str, Any]) -> list[str]:
    """The report card as lines of plain text."""
    return list(_lines(of))


def _lines(of: Mapping[str, Any]) -> Iterator[str]:
    currency = of["currency"]

    def both(amount: Mapping[str, int]) -> str:
        return f"{plural(amount['customers'], 'customer')}, {money(amount['value'], currency)}"

    definitions = of["definitions"]
    yield f"Report card at {of['at']}, window {of['window']}"
    yield f"By the definitions {definitions['name']}, version {definitions['version']}"
    yield (
        "Final: nothing inside the horizon can change it any more."
        if of["final"]
        else "Known now, and provisional: late facts may still change it."
    )
    if "counts_from" in of:
        yield f"Counts from {of['counts_from']}, with the customers whom the definitions before had then"
    if of["known_until"] != of["at"]:
        yield f"From all that was known at {of['known_until']}"
    yield ""
    yield f"Net growth: {_net(of['net'], currency)}"
    if "net_before" in of:
        yield f"  before:   {_net(of['net_before'], currency)}"
    new, returned = of["new"]["customers"], of["returned"]["customers"]
    yield f"  gained:   {both(of['gained'])} (new {new:,}, returned {returned:,})"
    yield f"  lost:     {both(of['lost'])} (early {of['early_loss']['customers']:,})"
    yield f"  stayed:   {both(of['stayed'])} of {both(of['stayed_of'])}"
    yield f"  we have:  {both(of['closing'])} (opening {both(of['opening'])})"
    yield f"  pending:  {both(of['pending_loss'])} about to be lost"
    yield ""
    yield from _bowls(of["marbles"])
    yield ""
    for title, name in (("number", "reasons_by_volume"), ("value", "reasons_by_value")):
        yield f"Why they left, by {title}:"
        for line in of[name]:
            yield f"  {line['reason']}: {both(line)}{_percent(line, name)}"
        if not of[name]:
            yield "  nobody left"
    unusable = of["reasons_unusable"]
    yield f"  no usable reason: {both(unusable)}{_percent(unusable, 'reasons_by_volume')}"
    yield ""
    yield "What brought them here:"
    for line in of["activities"]:
        yield f"  {line['activity']}: {both(line)}, still here {line['still_here']:,}"
    if not of["activities"]:
        yield "  nobody came"
    yield ""
    yield f"Recommenders: {of['recommenders']:,}, who recommended us to {of['referrals']:,}"
    if "retention" in of:
        yield (
            f"Retention: {of['retention']:.1%} ({of['stayed']['customers']:,} of {of['stayed_of']['customers']:,})"
        )
    if "earned_growth" in of:
        yield f"Earned growth: {of['earned_growth']:.1%} (earned: {both(of['earned'])})"
    yield ""
    yield "Segments, all time: gained, lost, net, moved in, moved out, now"
    for line in of["segments"]:
        yield (
            f"  {line['segment']}: {line['gained']['customers']:,}, {line['lost']['customers']:,}, "
            f"{line['net']['customers']:+,} ({_signed(line['net']['value'], currency)}), "
            f"{line['transferred_in']['customers']:,}, {line['transferred_out']['customers']:,}, "
            f"{line['closing']['customers']:,}"
        )
    if of.get("silos"):
        yield ""
        yield "Silos, all time: what each counts by itself, and what lies between that and the company's count"
    for silo in of.get("silos", ()):
        own = silo["own"]["closing"]["customers"]
        causes = [
            f"{cause_name(cause)} {cause['closing']['customers']:+,}"
            for cause in silo["causes"]
            if cause["closing"]["customers"]
        ]
        yield f"  {silo['silo']}: {plural(own, 'customer')}; {', '.join(causes) or 'no difference'}"
    if of.get("silos_company", of["closing"]) != of["closing"]:
        yield (
            f"  These explain {both(of['silos_company'])}; the tables have {both(of['closing'])}: customer-events "
            "does not keep all that was counted (its retention, or --carry-over)"
        )
    if "health" in of:
        yield ""
        yield from health_lines(of["health"], currency)
    if "voice" in of:
        yield ""
        yield from voice_lines(of["voice"])
    if "surges" in of:
        yield ""
        yield from surge_lines(of["surges"], of["currency"])
    if of["problems"]:
        yield ""
        yield "Problems:"
    for problem in of["problems"]:
        yield f"  {problem['text']}"


CAUSES = {
    "rejected": "records that were rejected",
    "other_rule": "other rule",
    "not_yet_due": "announced, not yet due or withdrawn",
    "seen_elsewhere": "seen elsewhere first",
    "told_elsewhere": "told by other silos of its customers",
    "linked": "links made one customer of several ids",
    "not_here": "customers that it does not know",
}
"""What lies between a silo's own count and the company's."""


def cause_name(cause: Mapping[str, Any]) -> str:
    """A cause in words, with its detail."""
    detail = f" ({cause['detail']})" if "detail" in cause else ""
    return f"{CAUSES[cause['cause']]}{detail}"


def _problems(accounting: Mapping[str, Any], row: Mapping[str, Any]) -> list[Line]:
    """What makes these numbers less than the whole truth; records and facts of all time, reasons of the window."""
    found: list[Line] = []
    for reason, count in accounting.get("dead_lettered", {}).items():
        text = f"{plural(count, 'record')} could not be admitted ({reason}); see `netgrowth dead-letters list`"
        found.append({"problem": "dead_letters", "reason": reason, "records": count, "text": text})
    unmapped = accounting.get("unmapped", 0)
    if unmapped:
        are = plural(unmapped, "record is", "records are")
        text = f"{are} unmapped: no rule of the definitions takes such a record"
        found.append({"problem": "unmapped", "records": unmapped, "text": text})
    late = accounting.get("links_too_late", 0)
    if late:
        text = (
            f"{plural(late, 'link')} put another right too late: what was older than the horizon stays counted "
            "with the customer of the first"
        )
        found.append({"problem": "links_too_late", "links": late, "text": text})
    unusable, lost = row["reasons_unusable"]["customers"], row["lost"]["customers"]
    if unusable and 2 * unusable >= lost:
        of_lost = f"{unusable:,} of {plural(lost, 'lost customer')}"
        text = f"{of_lost} gave no usable reason: the reasons are those of a minority"
        found.append({"problem": "reasons_unusable", "customers": unusable, "text": text})
    return found


def _bowls(marbles: Mapping[str, int]) -> Iterator[str]:
    each = marbles["customers_per_marble"]
    yield f"Two bowls, each marble {plural(each, 'customer')}:"
    for name in ("gained", "lost"):
        count, rest = marbles[name], marbles[f"remainder_{name}"]
        beside = f", and {plural(rest, 'customer')} beside" if rest else ""
        yield f"  {name}: {plural(count, 'marble')}{beside}"


def with_shares(lines: list[Line], lost: Mapping[str, int]) -> list[Line]:
    """The lines with their share of what was lost; none where nothing was."""
    shared = []
    for line in lines:
        found = dict(line)
        for measure in ("customers", "value"):
            if lost[measure] > 0:
                found[f"share_of_{measure}"] = line[measure] / lost[measure]
        shared.append(found)
    return shared


def _percent(line: Mapping[str, Any], name: str) -> str:
    share = line.get("share_of_customers" if name == "reasons_by_volume" else "share_of_value")
    return f" ({share:.1%})" if share is not None else ""


def _net(amount: Mapping[str, int], currency: str) -> str:
    return f"{plural(amount['customers'], 'customer', sign=True)}, {_signed(amount['value'], currency)}"


def _signed(value: int, currency: str) -> str:
    return money(value, currency) if value < 0 else f"+{money(value, currency)}"


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one[name] + other[name] for name in ("customers", "value")}
