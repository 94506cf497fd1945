"""`netgrowth customers`: who is behind a number of the tables."""

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import Instant
from agents.worker_client import WorkerRefused, WorkerUnreachable, ask, worker_url
from streams.drilldown.numbers import IN_TROUBLE, MEASURES
from streams.facts.times import instant_of
from streams.health.live.hurt_list import DISRUPTED
from streams.report.wording import money, plural
from streams.tables.calendar import utc_text
from streams.tables.windows import WINDOW_NAMES

PAGE = 1000
"""Customers asked for at once."""


@click.command(
    epilog="Example: netgrowth customers --measure lost --window last_month --reason price"
)
@click.option("--measure", type=click.Choice([*MEASURES, IN_TROUBLE, DISRUPTED]), default="lost", show_default=True,
              help="The number that is opened.")
@click.option("--window", type=click.Choice(list(WINDOW_NAMES)),
              help="Which of the running windows; default: 30d, of disrupted 1h.")
@click.option("--at", type=Instant(), help="The window as it was at this instant (RFC 3339); default: now.")
@click.option("--segment", help="Of this segment alone; with --region, of both.")
@click.option("--region", help="Of this region alone.")
@click.option("--product", help="Of this product alone.")
@click.option("--kind", help="Of lost: of this kind alone.")
@click.option("--reason", help="Of lost: for this reason alone; unknown is none that is usable.")
@click.option("--service", help="Of in_trouble and disrupted: at this service.")
@click.option("--stage", help="Of in_trouble and disrupted: at this stage of the journey.")
@click.option("--activity", help="Of brought: by this activity alone.")
@click.option("--customer", help="The timeline of this customer instead, named as the lists name it.")
@click.option("--most", type=click.IntRange(1), help="Print so many at most.")
@click.option("--url", help="The running worker (default: NETGROWTH_WEB_BIND and NETGROWTH_WEB_PORT here).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a customer.")
def command(
    measure: str, window: str | None, at: int | None, customer: str | None, most: int | None, url: str | None,
    as_json: bool, **narrowed: str | None,
) -> None:
    """The customers behind a number: exactly as many as it says, each with the fact that put it there.

    What happened in a window (gained, new, returned, earned, lost, early_loss, transferred_in, transferred_out,
    recommenders, brought) is told as long as the topic `movements` keeps it; who is here (closing, stayed,
    pending_loss), who is disrupted (in_trouble) and who was in the last 5m, 1h or 24h (disrupted), as of now.
    Customers have pseudonyms unless NETGROWTH_CUSTOMER_IDS of the worker allows more. The worker logs each opening.

    Exit status: 0 done, 1 the list is not as long as the number says, 2 no worker, or it cannot be opened.
    """
    where = url or worker_url(settings_from_environment())
    try:
        if customer is not None:
            found = ask(where, f"/api/v1/customers/{quote(customer, safe='')}")
            _print_timeline(found, as_json)
            return
        parameters = {"measure": measure, "limit": str(min(PAGE, most or PAGE))}
        parameters |= {} if window is None else {"window": window}
        parameters |= {} if at is None else {"at": utc_text(at)}
        parameters |= {name: value for name, value in narrowed.items() if value is not None}
        printed, first = 0, None
        for page in _pages(where, parameters):
            first = first or page
            for line in page["customers"][: None if most is None else most - printed]:
                _print(line, page["currency"], as_json)
                printed += 1
            if most is not None and printed >= most:
                break
    except (WorkerUnreachable, WorkerRefused) as error:
        raise WrongInput(str(error)) from error
    assert first is not None
    when = "now" if measure == IN_TROUBLE else first["window"]
    click.echo(f"{plural(first['total'], 'customer')} behind {measure}, {when}", err=True)
    if first.get("counted", first["total"]) != first["total"]:
        click.echo(f"The tables count {first['counted']:,}: records are on their way, ask again", err=True)
        sys.exit(1)


def _pages(where: str, parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
    path = "/api/v1/customers"
    while True:
        page: dict[str, Any] = ask(where, path, **parameters)
        yield page
        if "next" not in page:
            return
        parameters = dict(parse_qsl(urlsplit(page["next"]).query))


def _print_timeline(found: dict[str, Any], as_json: bool) -> None:
    """Movements, disruptions and mentions in one order of time; in JSON, `what` tells the latter apart."""
    lines = [
        *found["movements"],
        *({"what": "was disrupted"} | one for one in found.get("disruptions", ())),
        *({"what": "said"} | one for one in found.get("mentions", ())),
    ]
    for line in sorted(lines, key=lambda one: instant_of(one["at"], None)):
        if as_json or "customer" in line:
            _print(line, found["currency"], as_json)
        elif "stage" in line:
            span = f"  {plural(line['minutes'], 'minute')} until {line['until']}" if "minutes" in line else ""
            when = "is disrupted now" if line.get("lasts") else "was disrupted"
            click.echo(f"{line['at']}  {when}  at {line['service']}, {line['stage']}{span}")
        else:
            topics = ", ".join(line["topics"])
            words = [line["at"], "said", line["brand"], line["channel"], topics, line.get("text", "")]
            click.echo("  ".join(word for word in words if word))
    for why in found.get("missing", ()):
        click.echo(f"Not told: {why}", err=True)


def _print(line: dict[str, Any], currency: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        return
    scope = " / ".join((line["segment"], line["region"], line["product"]))
    worth = money(line["value"], currency) if "value" in line else "value not known"
    parts = [line["at"], line["customer"], line["what"], worth, scope]
    parts += [f"at {place['service']}, {place['stage']}" for place in line.get("places", ())]
    if "minutes" in line:
        parts.append(f"{plural(line['minutes'], 'minute')} until {line['until']}")
    if "stands_for" in line:
        parts.append(f"stands for {plural(line['stands_for'], 'customer')}")
    if "to" in line:
        parts.append(f"to {' / '.join(line['to'].values())}")
    parts += [f"{name} {line[name]}" for name in ("reason", "kind", "activity") if line.get(name)]
    fact = line.get("fact", {})
    if fact.get("clock"):
        parts.append("by the clock")
    elif "silo" in fact:
        parts.append(" ".join(("by", fact["silo"], fact.get("event_id", ""))).rstrip())
    click.echo("  ".join(parts))
