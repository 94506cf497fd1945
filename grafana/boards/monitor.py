"""Monitor: is the ledger itself well?"""

from grafana.board import Board, Row, placed
from grafana.panels import COUNT, GREEN, RED, YELLOW, Step, Target, lines, number, rows
from grafana.queries import JOB, plain, quantile, rate

SOME_IS_BAD = (Step(None, GREEN), Step(1, RED))


def board() -> Board:
    """The board."""
    return Board(
        "netgrowth-monitor", "Monitor",
        "Workers, feeds, delays and what could not be read: can the numbers be trusted?",
        (_now(), _feeds(), _records(), _labels()),
    )  # fmt: skip


def _now() -> Row:
    owned = f"count(count by (topic, partition) (netgrowth_partition_owned{{{JOB}}} == 1))"
    unowned = f"sum({plain('partitions_expected', 'topic')}) - {owned}"
    return Row(
        "Now",
        placed(
            3, 4,
            number("Workers", "Workers that answer.", COUNT, Target(f"sum(up{{{JOB}}})"),
                   steps=(Step(None, RED), Step(1, GREEN))),
            number("Partitions without worker", "Their customers stand still.", COUNT, Target(unowned),
                   steps=SOME_IS_BAD),
            number("Tables", "Workers that have the tables of the whole company, and workers that speak for it: a "
                   "new version of the definitions counts beside the one in force.", COUNT,
                   Target(plain("tables_complete", how="sum"), "have them"),
                   Target(plain("in_force", how="sum"), "in force"), steps=(Step(None, RED), Step(1, GREEN))),
            number("Clock of the tables", "How far the event time of the tables is behind the wall clock. A replay "
                   "stands where it is.", "s", Target(f"time() - {plain('tables_clock_timestamp_seconds')}"),
                   steps=(Step(None, GREEN), Step(60, YELLOW), Step(900, RED))),
            number("Being restored", "Partitions whose state is being read back: their customers stand still until "
                   "then.", COUNT, Target(plain("partition_recovering", how="sum")), steps=SOME_IS_BAD),
            number("False alarms", "Surges of the last 30 days that people called false, and how many are accepted.",
                   COUNT, Target('max(netgrowth_surges_judged{job=~"$job",verdict="false"})', "false"),
                   Target(plain("surges_false_alarm_budget"), "accepted")),
            number("Records waiting", "Records in the topics that are not counted yet.", COUNT,
                   Target(plain("partition_lag_records", how="sum"))),
            number("Records lost", "Deleted by retention before they were read.", COUNT,
                   Target(plain("partition_lost_to_retention_records", how="sum")), steps=SOME_IS_BAD),
        ),
    )  # fmt: skip


def _feeds() -> Row:
    return Row(
        "Feeds",
        placed(
            12, 8,
            rows("Feeds and their partitions", "Of each partition: records that wait, and whether its state is being "
                 "restored or it is idle, that is, read to its end.", COUNT,
                 {
                     "waiting": plain("partition_lag_records", "topic", "partition"),
                     "recovering": plain("partition_recovering", "topic", "partition"),
                     "idle": plain("partition_idle", "topic", "partition"),
                     "beyond the horizon": plain("partition_facts_beyond_horizon", "topic", "partition"),
                     "links too late": plain("partition_links_too_late", "topic", "partition"),
                 }, ["topic", "partition"]),
            lines("Age of the newest record", "Time since the newest record of a feed was appended. What rises and "
                  "does not fall is a feed that is silent.", "s",
                  Target(f"time() - {plain('newest_append_timestamp_seconds', 'topic')}", "{{topic}}")),
            lines("Event time behind", "How far the largest event time of each partition is behind the wall clock.",
                  "s", Target(f"time() - {plain('watermark_timestamp_seconds', 'topic', 'partition')}",
                              "{{topic}} {{partition}}")),
            lines("Records waiting", "Records of each partition that are not counted yet.", COUNT,
                  Target(plain("partition_lag_records", "topic", "partition"), "{{topic}} {{partition}}")),
        ),
    )  # fmt: skip


def _records() -> Row:
    return Row(
        "Records",
        placed(
            12, 8,
            lines("Records read", "Records a second, by what became of them.", "reqps",
                  Target(rate("records_total", "outcome"), "{{outcome}}"), stack=True),
            lines("Facts read", "Facts about customers a second.", "reqps",
                  Target(rate("facts_total", "topic"), "{{topic}}")),
            lines("Dead letters", "Records a second that could not be admitted, by reason.", "reqps",
                  Target(rate("dead_letters_total", "reason"), "{{reason}}")),
            rows("Facts by what became of them", "Every fact is applied, pending, or ignored for one reason; the "
                 "outcomes sum to all facts.", COUNT,
                 {"facts": plain("partition_facts", "outcome", how="sum")}, ["outcome"], sort="facts"),
            lines("From append to table", "Time from the append of a batch's oldest record until it was counted.",
                  "s", Target(quantile(0.5, "append_delay_seconds"), "half"),
                  Target(quantile(0.99, "append_delay_seconds"), "99 of 100")),
            lines("From event to table", "Time from the event itself until it was counted: how late the sources are.",
                  "s", Target(quantile(0.5, "event_delay_seconds", "fact"), "{{fact}} fact of a batch, half")),
        ),
    )  # fmt: skip


def _labels() -> Row:
    return Row(
        "Labels and series",
        placed(
            12, 6,
            lines("Customers folded into other", "Share of customers whose value of a label is not shown under its "
                  "own name, as there are too many.", "percentunit",
                  Target(plain("label_cut_ratio", "label"), "{{label}}")),
            lines("Series of the tables", "Were all of them exported by one worker.", COUNT,
                  Target(plain("table_series"), "series")),
        ),
    )  # fmt: skip
