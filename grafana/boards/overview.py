"""Overview, for the wall: four numbers, and what is wrong now."""

from config.alerting.rule_files import RUNBOOKS
from grafana.board import PAGE, Board, Row, address, of_definitions, other, placed, who
from grafana.panels import COUNT, GREEN, MONEY, RED, SIGNED, Link, Step, Target, lines, number, rows
from grafana.queries import total

MATH = other("Customer math", "netgrowth-customer-math", window="24h")
RUNBOOK = Link("Runbook", "${runbooks}${__data.fields.alertname}.md")


def board() -> Board:
    """The board."""
    gained = f"{total('customers_new', '24h')} + {total('customers_returned', '24h')}"
    alerts = 'max by (severity, alertname, segment) (ALERTS{alertstate="firing",alertname!="Watchdog"}) or on () '
    return Board(
        "netgrowth-overview", "Overview", "Are we winning or losing customers, and what is wrong now?",
        (
            Row(
                "The last 24 hours",
                placed(
                    6, 8,
                    number("Gained", "Customers who joined in the last 24 hours.", COUNT, Target(gained),
                           steps=(Step(None, GREEN),), links=(who("gained", "24h"), MATH)),
                    number("Lost", "Customers who left in the last 24 hours.", COUNT,
                           Target(total("customers_lost", "24h")), steps=(Step(None, RED),),
                           links=(who("lost", "24h"), MATH)),
                    number("Net growth", "Gained less lost, in whole customers.", COUNT,
                           Target(total("customers_net", "24h")), steps=SIGNED, links=(MATH,)),
                    number("Net growth in value, $currency", "Expected value gained less expected value lost.", MONEY,
                           Target(total("value_net", "24h")), steps=SIGNED, links=(MATH,)),
                ),
            ),
            Row(
                "What is wrong now",
                placed(
                    12, 10,
                    rows("Alerts that fire", "Every alert that is firing, but the watchdog, which always does. A "
                         "click leads to its runbook. Zero beside no name: none.", COUNT,
                         {"firing": f"{alerts}vector(0)"}, ["severity", "alertname", "segment"], links=(RUNBOOK,)),
                    lines("Net growth", "Net growth of the last 24 hours, as it stood at each moment.", COUNT,
                          Target(total("customers_net", "24h"), "net growth"), steps=SIGNED, links=(MATH,)),
                ),
            ),
        ),
        (
            of_definitions("currency", "Currency"),
            address("runbooks", "Runbooks", f"{PAGE}{RUNBOOKS}", "Where runbooks are read: every worker serves them; "
                    "names of alerts lead to their pages there."),
        ),
    )  # fmt: skip
