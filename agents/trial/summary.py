"""The summary of a trial for a terminal, made from what the worker's pages say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.trial.acts import CALM, ORDINARY, Act
from agents.trial.pages import Seen
from streams.report.wording import money, plural
from streams.tables.rows import top_reasons

WINDOWS = (("this month", "this_month"), ("last month", "last_month"), ("30 days", "30d"), ("all", "all"))
SHOWN_WINDOW = "30d"
"""Of bowls and reasons: long enough to hold something on every day."""

TOP_REASONS = 5
TOP_SEGMENTS = 6
TOP_SEGMENTS_COMPACT = 3
MARBLES_IN_A_ROW = 15

ACTS, ACTS_COMPACT = 6, 3
"""The newest acts that are shown."""

QUIET = (ORDINARY, CALM)

FULL_SIZE = (100, 44)
"""Columns and lines that take the whole summary."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How far the replay is; `fault` is what went wrong first, empty when nothing did."""

    dataset: str
    records: int = 0
    at_us: int | None = None
    playing: bool = False
    fault: str = ""


def summary(
    seen: Seen, feed: Feed, web: str, acts: Sequence[Act] = (), *, compact: bool = False
) -> RenderableType:
    """The whole screen; compact: of some 24 lines."""
    parts: list[RenderableType] = [_head(seen, feed)]
    if acts:
        parts.append(_acts(acts[-(ACTS_COMPACT if compact else ACTS) :]))
    ledger = seen.ledger
    if ledger is not None:
        parts.append(_windows(ledger))
        parts.append(_bowls(ledger["windows"][SHOWN_WINDOW], compact))
        segments = _segments(ledger, compact)
        parts.append(Columns([_reasons(ledger), segments], padding=(0, 2)))
        if not compact:
            parts.append(Text())
    parts.append(Text("\n".join(_state_lines(seen, feed)), style="dim", no_wrap=True, overflow="ellipsis"))
    parts.append(Text("\n".join(address_lines(web))))
    return Panel(Group(*parts), title="netgrowth", subtitle="Ctrl-C ends it all", expand=False)


def needs_compact(columns: int, lines: int) -> bool:
    """Whether a terminal of this size is too small for the whole summary."""
    return columns < FULL_SIZE[0] or lines < FULL_SIZE[1]


def short_line(seen: Seen, feed: Feed) -> str:
    """The summary in one line, for a log."""
    if seen.ledger is None:
        return f"{_waiting(seen, feed)}; {_feed(feed)}"
    ledger, parts = seen.ledger, []
    for title, name in WINDOWS:
        net = ledger["windows"][name]["net"]
        parts.append(f"{title} {net['customers']:+,} ({_signed(net['value'], ledger['currency'])})")
    return f"{_instant(ledger['until'])}  net growth: {', '.join(parts)}; {_feed(feed)}"


def act_line(act: Act) -> str:
    """An act in one line: when, what, and where to look."""
    return f">>> {_instant(act.at)}  {act.text}  [{act.look}]"


def _acts(acts: Sequence[Act]) -> Table:
    table = Table(title="What happened", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
    for act in acts:
        words = Text.assemble(act.text, (f"  {act.look}", "dim"))
        if act.kind not in QUIET:
            words.stylize("bold", 0, len(act.text))
        table.add_row(Text(_instant(act.at)[:16], "dim"), words)
    return table


def address_lines(web: str) -> list[str]:
    """What can be opened, each with its address."""
    return [
        f"board       {web}/",
        f"metrics     {web}/metrics",
        f"API         {web}/api/v1/report?window=this_month",
        f"health      {web}/health/ready",
    ]


def _head(seen: Seen, feed: Feed) -> Text:
    ledger = seen.ledger
    if ledger is None:
        return Text(_waiting(seen, feed), style="yellow")
    definitions = ledger["definitions"]
    return Text.assemble(
        ("Clock of the tables ", "dim"), (_instant(ledger["until"]), "bold"),
        ("   definitions ", "dim"), f"{definitions['name']} {definitions['version']}",
    )  # fmt: skip


def _windows(ledger: Mapping[str, Any]) -> Table:
    table = Table(title="Net growth", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("gained", "lost", "net", "net value", "before", "we have"):
        table.add_column(name, justify="right", no_wrap=True)
    for title, name in WINDOWS:
        row = ledger["windows"][name]
        net, before = row["net"], row.get("before")
        style = "bold red" if net["customers"] < 0 else "bold green"
        table.add_row(
            title,
            f"{_gained(row):,}",
            f"{row['lost']['customers']:,}",
            Text(f"{net['customers']:+,}", style),
            Text(_signed(net["value"], ledger["currency"]), style),
            "" if before is None else f"{before['net']['customers']:+,}",
            f"{row['closing']['customers']:,}",
        )
    return table


def _bowls(row: Mapping[str, Any], compact: bool) -> RenderableType:
    marbles = row["marbles"]
    each = marbles["customers_per_marble"]
    customers = "customer" if each == 1 else "customers"
    title = Text(f"Two bowls, the last 30 days, each marble {each:,} {customers}", style="italic")
    bowls = (("gained", _gained(row), "green"), ("lost", row["lost"]["customers"], "red"))
    if compact:
        lines = [
            Text.assemble(f"{name:<6} {count:>6,}  ", ("●" * marbles[name], style)) for name, count, style in bowls
        ]
        return Group(title, *lines)
    panels = [
        Panel(
            Text("\n".join(_rows_of(marbles[name])) or " ", style),
            title=f"{name} {count:,}",
            subtitle=_beside(marbles[f"remainder_{name}"]),
            width=2 * MARBLES_IN_A_ROW + 3,
        )
        for name, count, style in bowls
    ]
    return Group(Text(), title, Columns(panels, padding=(0, 2)))


def _rows_of(marbles: int) -> Iterator[str]:
    for start in range(0, marbles, MARBLES_IN_A_ROW):
        yield " ".join("●" * min(MARBLES_IN_A_ROW, marbles - start))


def _beside(rest: int) -> str | None:
    return f"and {rest:,} beside" if rest else None


def _reasons(ledger: Mapping[str, Any]) -> Table:
    row = ledger["windows"][SHOWN_WINDOW]
    table = Table(title="Why they left, the last 30 days", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("reason")
    table.add_column("customers", justify="right")
    table.add_column("value", justify="right", no_wrap=True)
    for reason in top_reasons(row)[:TOP_REASONS]:
        table.add_row(reason["reason"], f"{reason['customers']:,}", money(reason["value"], ledger["currency"]))
    if not row["lost"]["customers"]:
        table.add_row("nobody left", "", "")
    elif row["reasons_unusable"]["customers"]:
        unusable = row["reasons_unusable"]
        table.add_row(
            Text("no usable reason", "yellow"), f"{unusable['customers']:,}",
            money(unusable["value"], ledger["currency"]),
        )  # fmt: skip
    return table


def _segments(ledger: Mapping[str, Any], compact: bool) -> Table:
    table = Table(title="By segment, since the beginning", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("segment", no_wrap=True)
    for name in ("net", "we have") if compact else ("gained", "lost", "net", "we have"):
        table.add_column(name, justify="right")
    rows = sorted(ledger["segments"].items(), key=lambda item: -item[1]["closing"]["customers"])
    for name, row in rows[: TOP_SEGMENTS_COMPACT if compact else TOP_SEGMENTS]:
        gained_lost = () if compact else (f"{_gained(row):,}", f"{row['lost']['customers']:,}")
        table.add_row(name, *gained_lost, f"{row['net']['customers']:+,}", f"{row['closing']['customers']:,}")
    return table


def _state_lines(seen: Seen, feed: Feed) -> Iterator[str]:
    yield f"feed        {_feed(feed)}"
    if seen.status is None:
        return
    status = seen.status
    partitions = status["partitions"].values()
    idle = sum(partition["idle"] for partition in partitions)
    counted = status["accounting"]
    yield f"partitions  {len(partitions) - idle} flowing, {idle} idle (read to their end)"
    yield (
        f"records     {counted['records']:,} read: {sum(counted['no_fact'].values()):,} no fact, "
        f"{counted['unmapped']:,} unmapped, {plural(sum(counted['dead_lettered'].values()), 'dead letter')}; "
        f"{plural(counted['facts'], 'fact')}, {sum(counted['ignored'].values()):,} of them ignored"
    )


def _feed(feed: Feed) -> str:
    if feed.fault:
        return f"{feed.dataset} STOPPED after {plural(feed.records, 'record')}: {feed.fault}"
    at = "" if feed.at_us is None else f", at {datetime.fromtimestamp(feed.at_us // 1_000_000, UTC):%Y-%m-%d %H:%M}"
    state = "playing" if feed.playing else "played to its end"
    return f"{feed.dataset} {state}, {plural(feed.records, 'record')} sent{at}"


def _waiting(seen: Seen, feed: Feed) -> str:
    if not seen.ready:
        return "The worker is starting"
    read = 0 if seen.status is None else seen.status["accounting"]["records"]
    if read:
        return f"The worker has read {plural(read, 'record')}, none with a fact yet: there is nothing to count"
    return "The worker reads the first records" if feed.records else "The worker waits for its first record"


def _gained(row: Mapping[str, Any]) -> int:
    gained: int = row["new"]["customers"] + row["returned"]["customers"]
    return gained


def _signed(value: int, currency: str) -> str:
    return money(value, currency) if value < 0 else f"+{money(value, currency)}"


def _instant(text: str) -> str:
    return text.replace("T", " ").replace("Z", " UTC")
