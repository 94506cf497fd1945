"""Customer math: did we earn the right to growth?"""

from dataclasses import replace

from grafana.board import Board, Placed, Row, choice, label_values, of_definitions, other, placed, who
from grafana.panels import COUNT, GREEN, MONEY, RED, SIGNED, Step, Target, bars, lines, number, rows, words
from grafana.queries import FACTS, by, parts, plain, total, unless_silent
from streams.tables.windows import WINDOW_NAMES

VOICE = other("Health and voice", "netgrowth-health-and-voice")


def board() -> Board:
    """The board."""
    return Board(
        "netgrowth-customer-math", "Customer math",
        "Customers gained, lost and stayed, in whole customers and in value, with the reasons and activities.",
        tuple(
            _versioned(row)
            for row in (
                _growth(), _why(), _stay(), _scopes("segment"), _scopes("region"), _scopes("product"), _cross(),
                _cohorts(),
            )
        ),
        (
            of_definitions("version", "Definitions"),
            of_definitions("currency", "Currency"),
            choice("window", "Window", WINDOW_NAMES, "30d"),
            *(
                label_values(label, label.capitalize(), f'netgrowth_customers_closing{{scope="{label}"}}', label)
                for label in ("segment", "region", "product")
            ),
        ),
    )  # fmt: skip


def _versioned(row: Row) -> Row:
    """Every panel with the version of the definitions that are in force in its title."""
    return replace(row, panels=tuple(_with_version(one) for one in row.panels))


def _with_version(one: Placed) -> Placed:
    made = one.panel.build()
    one.panel.title(f"{made.title} · v$version")
    one.panel.description(f"{made.description} Counted by version $version of the definitions.")
    return one


def _growth() -> Row:
    gained = f"{total('customers_new')} + {total('customers_returned')}"
    value_gained = f"{total('value_new')} + {total('value_returned')}"
    definitions = plain("definitions_info", "name", "version", "currency")
    return Row(
        "Did we earn the right to growth?",
        (
            *placed(
                4, 4,
                number("Gained", "Customers who joined in the window, new ones and those who came back.", COUNT,
                       Target(gained), steps=(Step(None, GREEN),), links=(who("gained"),)),
                number("Lost", "Customers who left in the window, for whatever reason.", COUNT,
                       Target(total("customers_lost")), steps=(Step(None, RED),), links=(who("lost"),)),
                number("Net growth", "Gained less lost, in whole customers.", COUNT,
                       Target(total("customers_net")), steps=SIGNED),
                number("Net growth in value, $currency", "Expected value gained less expected value lost.",
                       MONEY, Target(total("value_net")), steps=SIGNED),
                number("Customers now", "Active customers at the window's end.", COUNT,
                       Target(total("customers_closing")), links=(who("closing"),)),
                words("Definitions", "Name, version and currency of the definitions in force: the agreement on what "
                      "all these numbers mean.", Target(definitions, "{{name}} {{version}}, {{currency}}")),
            ),
            *placed(
                6, 5,
                bars("Bowl of the gained", "Marbles in the bowl of customers gained; each stands for the customers "
                     "said beside.", COUNT, Target(total("marbles_gained"), "gained"), color=GREEN),
                bars("Bowl of the lost", "Marbles in the bowl of customers lost.", COUNT,
                     Target(total("marbles_lost"), "lost"), color=RED),
                number("Customers per marble", "What one marble stands for.", COUNT,
                       Target(total("customers_per_marble"))),
                number("Value won and lost, $currency", "Expected value of the customers gained and of those lost.",
                       MONEY, Target(value_gained, "gained"), Target(total("value_lost"), "lost")),
            ),
            *placed(
                12, 8,
                lines("Net growth over time", "Net growth of the window chosen, as it stood at each moment.", COUNT,
                      Target(total("customers_net"), "net"), steps=SIGNED, links=(VOICE,)),
                lines("Gained and lost over time", "Customers gained and lost in the window, as it stood at each "
                      "moment.", COUNT, Target(gained, "gained"), Target(total("customers_lost"), "lost")),
            ),
        ),
    )  # fmt: skip


def _why() -> Row:
    return Row(
        "Why they left, and what brought them",
        placed(
            12, 8,
            bars("Top five reasons, by customers", "The reasons that customers stated when they left; `unknown` is a "
                 "reason that is missing or not on the agreed list.", COUNT,
                 Target(f"topk(5, {parts('reason', 'customers_lost_by_reason')})", "{{reason}}"), color=RED,
                 links=(who("lost", reason="${__field.labels.reason}"),)),
            bars("Top five reasons, by value, $currency", "The same by the expected value that left with them.",
                 MONEY, Target(f"topk(5, {parts('reason', 'value_lost_by_reason')})", "{{reason}}"), color=RED),
            bars("What brought them, by customers", "Customers gained or opened with, by the activity that brought "
                 "them.", COUNT,
                 Target(f"topk(10, {parts('activity', 'customers_brought_by_activity')})", "{{activity}}"),
                 color=GREEN, links=(who("brought", activity="${__field.labels.activity}"),)),
            bars("What brought them, by value, $currency", "Expected value brought, as counted then.", MONEY,
                 Target(f"topk(10, {parts('activity', 'value_brought_by_activity')})", "{{activity}}"), color=GREEN),
            bars("Of these, still here", "Customers brought in the window who have not been lost by its end.", COUNT,
                 Target(f"topk(10, {parts('activity', 'customers_still_here_by_activity')})", "{{activity}}"),
                 color=GREEN),
            bars("Kinds of loss, by customers", "Voluntary, failed payment, silence (lapsed), or beyond us.", COUNT,
                 Target(parts("kind", "customers_lost_by_kind"), "{{kind}}"), color=RED),
            bars("Kinds of loss, by value, $currency", "The same by expected value.", MONEY,
                 Target(parts("kind", "value_lost_by_kind"), "{{kind}}"), color=RED),
            number("Recommended", "Customers recommended to us, customers who recommended us, and those gained whom "
                   "a recommendation brought.", COUNT, Target(total("referrals"), "recommended to us"),
                   Target(total("recommenders"), "recommenders"), Target(total("customers_earned"), "earned")),
        ),
    )  # fmt: skip


def _stay() -> Row:
    return Row(
        "Who stayed, and what they are worth",
        placed(
            6, 5,
            number("Stayed", "Customers who were there at the window's start, or opened in it, and are there at its "
                   "end; of how many.", COUNT, Target(total("customers_stayed"), "stayed"),
                   Target(total("customers_stayed_of"), "of"), links=(who("stayed"),)),
            number("Value stayed, $currency", "Their expected value at the window's start; of how much.", MONEY,
                   Target(total("value_stayed"), "stayed"), Target(total("value_stayed_of"), "of")),
            number("Retention", "Stayed, as a share; never without the counts beside it.", "percentunit",
                   Target(total("retention_ratio")), decimals=1),
            number("Earned growth", "Value kept and expanded plus value earned by recommendation, over the opening "
                   "value, less one.", "percentunit", Target(total("earned_growth_ratio")), steps=SIGNED, decimals=1),
            number("Opening", "Customers and value that the window began with.", COUNT,
                   Target(total("customers_opening"), "customers"),
                   Target(total("value_opening"), "value, $currency")),
            number("Expansion and contraction, $currency", "Expected value added to, and taken from, customers we "
                   "keep.", MONEY, Target(total("value_expansion"), "added"),
                   Target(total("value_contraction"), "taken")),
            number("Lost early", "Among the lost, those who left soon after they came.", COUNT,
                   Target(total("customers_lost_early"), "customers"),
                   Target(total("value_lost_early"), "value, $currency"), steps=(Step(None, RED),),
                   links=(who("early_loss"),)),
            number("Given notice", "Customers who have given notice and are not lost yet: they can still be won "
                   "back.", COUNT, Target(total("customers_pending_loss", None), "customers"),
                   Target(total("value_pending_loss", None), "value, $currency"), links=(who("pending_loss"),)),
            number("Value earned, $currency", "Expected value of the new customers whom a recommendation brought.",
                   MONEY, Target(total("value_earned"))),
            number("Value now, $currency", "Expected value of all active customers.", MONEY,
                   Target(total("value_closing"))),
        ),
    )  # fmt: skip


def _scopes(label: str) -> Row:
    name = label.capitalize()
    columns = {
        "new": by(label, "customers_new"), "returned": by(label, "customers_returned"),
        "lost": by(label, "customers_lost"), "net": by(label, "customers_net"),
        "moved in": by(label, "customers_transferred_in"), "moved out": by(label, "customers_transferred_out"),
        "stayed": by(label, "customers_stayed"), "now": by(label, "customers_closing"),
    }
    money = {
        "new": by(label, "value_new"), "lost": by(label, "value_lost"), "net": by(label, "value_net"),
        "moved in": by(label, "value_transferred_in"), "moved out": by(label, "value_transferred_out"),
        "expansion": by(label, "value_expansion"), "contraction": by(label, "value_contraction"),
        "now": by(label, "value_closing"),
    }
    return Row(
        f"By {label}",
        placed(
            12, 8,
            rows(f"Customers by {label}", f"{name} by {label}: who came, left, moved and stayed in the window. "
                 "Moving between them is neither a gain nor a loss.", COUNT, columns, [label], sort="net",
                 links=(who("lost", **{label: f"${{__data.fields.{label}}}"}),)),
            rows(f"Value by {label}, $currency", "The same in expected value.", MONEY, money, [label], sort="net"),
        ),
    )  # fmt: skip


def _cross() -> Row:
    where = 'job=~"$job",scope="segment_region",window="24h"'

    def crossed(name: str) -> str:
        return unless_silent(f"max by (segment, region) (netgrowth_{name}{{{where}}})", FACTS)

    return Row(
        "Segment by region, last 24 hours",
        placed(
            24, 8,
            rows("Customers by segment and region", "Gained, lost and net of every segment in every region in the "
                 "last 24 hours, whatever window is chosen above.", COUNT,
                 {
                     "new": crossed("customers_new"),
                     "lost": crossed("customers_lost"),
                     "net": crossed("customers_net"),
                     "now": crossed("customers_closing"),
                 }, ["segment", "region"], sort="net"),
        ),
    )  # fmt: skip


def _cohorts() -> Row:
    lost = "max by (month) (netgrowth_cohort_customers_lost{job=~\"$job\",within=\"%s\"})"
    return Row(
        "By month of joining",
        placed(
            24, 8,
            rows("Months of joining", "Of the customers who joined in a month: how many were lost within 30, 90 and "
                 "365 days, and how many are here now.", COUNT,
                 {
                     "joined": plain("cohort_customers_joined", "month"),
                     "lost in 30 days": lost % "30d", "lost in 90 days": lost % "90d",
                     "lost in 365 days": lost % "365d", "still here": plain("cohort_customers_still_here", "month"),
                 }, ["month"]),
        ),
    )  # fmt: skip
