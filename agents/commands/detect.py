"""`netgrowth detect`: surges in one counted series, line by line, as it comes."""

import sys
from datetime import timedelta
from typing import Any

import click
import orjson

from streams.facts.times import EPOCH
from streams.surges.alarm_line import BUDGET_DAYS
from streams.surges.lines import Judged, LineDetector
from streams.surges.verdict import State


@click.command(
    epilog="Example: netgrowth detect --interval 300 < mentions.csv, where a line is 2026-11-22 18:35:00,17"
)
@click.option("--interval", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
              help="From one value to the next; default: as the first lines show, which are answered with 0.")
@click.option("--season", type=click.Choice(["auto", "none"]), default="auto", show_default=True,
              help="auto learns the time of day, of daily values the day of the week; none expects neither.")
@click.option("--budget-days", type=click.FloatRange(min=0, min_open=True), default=BUDGET_DAYS, show_default=True,
              help="One false alarm in so many days is accepted.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object a line instead of the score.")
def command(interval: float | None, season: str, budget_days: float, as_json: bool) -> None:
    """Read `timestamp,value` lines and answer each at once with a score in [0, 1]; 0.5 is the alarm line.

    Each line is answered before the next is read, and nothing is known of the series but the lines so far. Timestamps
    are RFC 3339, or YYYY-MM-DD hh:mm:ss (then UTC). An empty value, or a slot without a line, is unknown, never zero.
    Until the series has a past of an hour (and 12 values) it is warming, and the score is 0. A line that cannot be
    read is answered with 0, and counted.
    """
    try:
        detector = LineDetector(interval, seasonal=season == "auto", budget_days=budget_days)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--interval") from error
    read, write, flush = sys.stdin.buffer.readline, sys.stdout.buffer.write, sys.stdout.buffer.flush
    while line := read():
        judged = detector.judge(line)
        if as_json:
            write(orjson.dumps(shown(judged)) + b"\n")
        else:
            write(b"%.6f\n" % (0.0 if judged.verdict is None else judged.verdict.score))
        flush()
    if detector.unreadable:
        click.echo(f"{detector.unreadable} lines are no timestamp,value; they were answered with 0", err=True)
    if detector.repeated:
        click.echo(
            f"{detector.repeated} lines lie in a slot that was judged before; they were answered with 0", err=True
        )


def shown(judged: Judged) -> dict[str, Any]:
    """A line's answer as `--json` shows it; names that do not apply are absent."""
    found: dict[str, Any] = {}
    if judged.at_us is not None:
        found["at"] = (EPOCH + timedelta(microseconds=judged.at_us)).isoformat().replace("+00:00", "Z")
    if judged.value is not None:
        found["value"] = judged.value
    verdict = judged.verdict
    if verdict is None:
        return found | {"score": 0.0, "state": State.WARMING.value} if judged.at_us is not None else {"score": 0.0}
    found["score"] = verdict.score
    for name in ("expected", "low", "high"):
        known = getattr(verdict, name)
        if known is not None:
            found[name] = round(known, 3)
    found["state"] = verdict.state.value
    if verdict.direction is not None:
        found["direction"] = verdict.direction
    if verdict.warming_s:
        found["warming_seconds"] = verdict.warming_s
    return found
