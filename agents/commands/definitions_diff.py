"""`netgrowth definitions diff`: who changes class under new definitions, how much value that is, and why."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.commands.environment import WrongInput
from agents.commands.facts_file import readable_again
from agents.commands.ledger import Instant, load_definitions
from agents.record_files import UnreadableFile, read_records, size_of
from agents.wall_clock import wall_clock_us
from streams.class_changes import (
    NO_LINES,
    CauseSum,
    Lines,
    MovementLists,
    all_differences,
    by_cause,
    changed_lines,
)
from streams.facts.definitions.model import Definitions
from streams.facts.definitions.sections import Section, changed_sections
from streams.recount import Recount
from streams.report.wording import money, plural
from streams.tables.calendar import Calendar, utc_text


@click.command("diff", epilog="Example: netgrowth definitions diff agreed.yaml draft.yaml --facts events.jsonl.gz")
@click.argument("old_file", metavar="OLD")
@click.argument("new_file", metavar="NEW")
@click.option("--facts", required=True, metavar="FILE", help="Past records, one JSON object a line; - is stdin.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="Place keys as on a topic of that many partitions, so that late facts are judged alike.")
@click.option("--until", type=Instant(), help="Where the clock ends; default: the largest event time of either.")
@click.option("--customers", type=click.IntRange(0), default=0, metavar="N",
              help="Also name N customers of each cause, by their ids, with the movements that differ.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    old_file: str, new_file: str, facts: str, partitions: int, until: int | None, customers: int, as_json: bool
) -> None:
    """How many customers change class under NEW definitions, and how much value that is, by cause.

    Both files count the same past records. A customer changes class when the list of its movements (kind, month,
    reason, scope) differs; another value model changes money and no count. The cause is the section of NEW that
    alone, put into OLD, changes that customer.

    Exit status: 0 done, 2 a definitions file or the records cannot be read.
    """
    old, new = load_definitions(old_file), load_definitions(new_file)
    with readable_again(facts) as file:
        found = differences(old, new, file, partitions=partitions, until=until, customers=customers)
    if old.currency != new.currency:
        click.echo(f"values are in {old.currency} before and in {new.currency} after: they do not compare", err=True)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    for line in _lines(found):
        click.echo(line)


def differences(
    old: Definitions, new: Definitions, file: str, *, partitions: int = 1, until: int | None = None,
    customers: int = 0,
) -> dict[str, Any]:
    """The JSON of `definitions diff`.

    Raises: WrongInput: the file cannot be read.
    """
    sections = changed_sections(old, new)
    both = [_Counted(definitions, partitions, until) for definitions in (old, new)]
    _read(file, both, "both definitions")
    clock = max((clock for one in both if (clock := one.recount.clock()) is not None), default=None)
    accountings = [one.finish(clock) for one in both]
    before, after = (one.lists for one in both)
    differing = all_differences(before, after)
    alone: dict[str, MovementLists] = {}
    if len(sections) > 1 and differing:
        alone = _each_alone(sections, file, partitions, until, clock, frozenset(differing))
    causes = by_cause(differing, before, alone, [section.name for section in sections])
    total = CauseSum()
    for difference in differing.values():
        total.add(difference)
    return {
        "old": _named(old),
        "new": _named(new),
        "until": None if clock is None else utc_text(clock),
        **_sums(total),
        "causes": [
            {"cause": name, **_sums(cause), **_examples(cause, before, after, customers)}
            for name, cause in sorted(causes.items(), key=lambda item: (-item[1].customers, -item[1].value, item[0]))
        ],
        "changed_sections": [section.name for section in sections],
        "movements": [
            {"movement": kind, "old": _amount(before, kind), "new": _amount(after, kind)}
            for kind in sorted(before.totals.keys() | after.totals.keys())
        ],
        "accounting": {"old": accountings[0], "new": accountings[1]},
    }


class _Counted:
    """One count of the file, with every customer's movements."""

    def __init__(
        self, definitions: Definitions, partitions: int, until: int | None, only: frozenset[str] | None = None
    ) -> None:
        calendar = Calendar(definitions.time_zone)
        self.lists = MovementLists(calendar, only)
        self.recount = Recount(
            definitions, partitions=partitions, until=until, on_change=self.lists.note, now_us=wall_clock_us
        )

    def finish(self, clock: int | None) -> dict[str, Any]:
        """Let fall due what is due by the clock; what became of records and facts."""
        self.recount.until = clock
        accounting: dict[str, Any] = self.recount.finish()["accounting"]
        return accounting


def _each_alone(
    sections: Sequence[Section], file: str, partitions: int, until: int | None, clock: int | None,
    only: frozenset[str],
) -> dict[str, MovementLists]:
    counted = {section.name: _Counted(section.applied, partitions, until, only) for section in sections}
    _read(file, list(counted.values()), "each change alone")
    for one in counted.values():
        one.finish(clock)
    return {name: one.lists for name, one in counted.items()}


def _read(file: str, counted: Sequence[_Counted], what: str) -> None:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("counting {task.fields[name]}, {task.fields[what]}"), BarColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    try:
        with bar:
            task = bar.add_task("", total=size_of(file), name=Path(file).name, what=what)
            for records in read_records(file, "customer-events", on_read=lambda n: bar.advance(task, n)):
                for one in counted:
                    one.recount.add(records)
    except UnreadableFile as error:
        raise WrongInput(str(error)) from error


def _named(definitions: Definitions) -> dict[str, str]:
    return {
        "name": definitions.name,
        "version": definitions.version,
        "value_model": definitions.value_model.version,
        "currency": definitions.currency,
    }


def _sums(of: CauseSum) -> dict[str, int]:
    return {
        "customers": of.customers,
        "revalued": of.revalued,
        "value": of.value,
        "value_added": of.value_added,
        "value_removed": of.value_removed,
    }


def _amount(lists: MovementLists, kind: str) -> dict[str, int]:
    customers, value = lists.totals.get(kind, (0, 0))
    return {"customers": customers, "value": value}


def _examples(cause: CauseSum, before: MovementLists, after: MovementLists, most: int) -> dict[str, Any]:
    if not most:
        return {}
    return {
        "examples": [
            {
                "customer_id": customer_id,
                "movements": _changed(
                    before.customers.get(customer_id, NO_LINES), after.customers.get(customer_id, NO_LINES)
                ),
            }
            for customer_id in cause.examples[:most]
        ]
    }


def _changed(before: Lines, after: Lines) -> list[dict[str, Any]]:
    return [
        {
            "movement": line[0], "month": line[1], **({"reason": line[2]} if line[2] else {}), "scope": line[3],
            "old": {"times": old[0], "value": old[1]}, "new": {"times": new[0], "value": new[1]},
        }
        for line, old, new in changed_lines(before, after)
    ]  # fmt: skip


def _lines(found: dict[str, Any]) -> Iterator[str]:
    currency = found["new"]["currency"]
    old, new = (f"{found[side]['name']} {found[side]['version']}" for side in ("old", "new"))
    records = "records without any event time" if found["until"] is None else f"the records until {found['until']}"
    yield f"From {old} to {new}, over {records}"
    yield (
        f"{plural(found['customers'], 'customer changes', 'customers change')} class, "
        f"{plural(found['revalued'], 'more is', 'more are')} only worth something else; "
        f"value of the differences {money(found['value'], currency)} (more {money(found['value_added'], currency)}, "
        f"less {money(found['value_removed'], currency)})"
    )
    for cause in found["causes"]:
        yield (
            f"  because of {cause['cause']}: {plural(cause['customers'], 'changes', 'change')} class, "
            f"{cause['revalued']:,} revalued, {money(cause['value'], currency)}"
        )
        for example in cause.get("examples", ()):
            yield f"    {example['customer_id']}"
            for line in example["movements"]:
                reason = f" ({line['reason']})" if "reason" in line else ""
                yield (
                    f"      {line['movement']} {line['month']} {line['scope']}{reason}: "
                    f"{line['old']['times']} of {money(line['old']['value'], currency)}, then "
                    f"{line['new']['times']} of {money(line['new']['value'], currency)}"
                )
    named = {name for cause in found["causes"] for name in cause["cause"].split(" + ")}
    silent = [name for name in found["changed_sections"] if name not in named]
    if silent:
        yield f"Changed without such an effect by itself: {', '.join(silent)}"
    yield ""
    yield f"{'movement':<14}{'customers':>12}{'then':>12}{'value':>24}{'then':>24}"
    for line in found["movements"]:
        before, after = line["old"], line["new"]
        yield (
            f"{line['movement']:<14}{before['customers']:>12,}{after['customers']:>12,}"
            f"{money(before['value'], currency):>24}{money(after['value'], currency):>24}"
        )
    for name in ("dead_lettered", "no_fact", "unmapped"):
        counts = [found["accounting"][side][name] for side in ("old", "new")]
        if counts[0] != counts[1]:
            yield f"records {name.replace('_', ' ')}: {_shown(counts[0])}, then {_shown(counts[1])}"


def _shown(count: Any) -> str:
    if isinstance(count, int):
        return f"{count:,}"
    return ", ".join(f"{name} {number:,}" for name, number in count.items()) or "none"
