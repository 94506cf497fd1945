"""Alerts on the monitor itself: whoever is not counting must say so, since no loss looks like no trouble."""

from collections.abc import Mapping
from dataclasses import replace

from config.alerting.burn import burn_rate
from config.alerting.links import MONITOR_BOARD, Links
from config.alerting.model import Alert, Group, Recording, Severity
from streams.facts.definitions.alerts import AlertRules
from streams.ledger.rules import SECOND
from streams.tables.silence import LATE_US, LEAST_US, OVER

JOB = 'job="netgrowth"'

IN_FORCE = "and on (instance) netgrowth_in_force == 1"
"""Joined to what a worker says of itself: a new version of the definitions counts beside the one that speaks."""

OF_TOPIC = "{{ $labels.topic }}"
"""The feed that an alert is about, under the name by which others say what they depend on."""

OBJECTIVE = 0.99
"""Share of batches that are counted within `COUNTED_WITHIN` of their append, over 30 days."""

COUNTED_WITHIN = "5.0"
"""Seconds, a bucket of the histogram."""

LEAST_BATCHES = 50
"""In the long window of a burn rate: with fewer, one slow batch would be a share that looks like a trouble."""

BURNS = (
    ("1h", "5m", burn_rate(0.02, 1), Severity.CRITICAL),
    ("6h", "30m", burn_rate(0.05, 6), Severity.CRITICAL),
    ("1d", "2h", burn_rate(0.1, 24), Severity.WARNING),
    ("3d", "6h", burn_rate(0.1, 72), Severity.WARNING),
)
"""Long window, short window, burn rate, severity."""


def monitor_groups(rules: AlertRules) -> tuple[Group, ...]:
    """The rules on workers, partitions, feeds and freshness."""
    owner, links = rules.monitor_owner, Links(rules)

    def linked(alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        board = links.board(MONITOR_BOARD)
        return tuple(
            replace(alert, links={"dashboard_url": board, "silence_url": links.silence(alert=alert.name)})
            for alert in alerts
        )

    return (
        Group("netgrowth-watchdog", (), (_watchdog(owner),)),
        Group("netgrowth-workers", (), linked(_workers(owner))),
        Group("netgrowth-pauses", _PAUSE_RECORDINGS, (), interval="5m"),
        Group("netgrowth-feeds", (*_FEED_RECORDINGS, Recording(SILENT, _silent(dict(rules.heartbeats)))),
              linked(_feeds(rules))),
        Group("netgrowth-freshness", _freshness_recordings(), linked(_freshness(owner)), interval="30s"),
    )


def _watchdog(owner: str) -> Alert:
    return Alert(
        "Watchdog", Severity.INFO, owner, "vector(1)",
        "The monitor is alive.",
        "This alert always fires. When it stops arriving, Prometheus, Alertmanager or the way between them is down.",
    )  # fmt: skip


def _workers(owner: str) -> tuple[Alert, ...]:
    critical, warning = Severity.CRITICAL, Severity.WARNING
    expected = "max by (topic) (netgrowth_partitions_expected)"
    owned = f"count by (topic) (count by (topic, partition) (netgrowth_partition_owned == 1 {IN_FORCE}))"
    return (
        Alert(
            "NetgrowthNoWorker", critical, owner, f"absent(up{{{JOB}}} == 1)",
            "Nobody counts customers.",
            "No worker of netgrowth answers Prometheus: what customers do now is not seen. It is not lost: the next "
            "worker goes on where the last one stopped.",
            pending="1m",
        ),
        Alert(
            "NetgrowthWorkerDown", warning, owner, f"up{{{JOB}}} == 0",
            "A worker of netgrowth is down.",
            "{{ $labels.instance }} does not answer Prometheus. The other workers take over its partitions.",
            pending="1m",
        ),
        Alert(
            "NetgrowthPartitionsUnowned", critical, owner, f"({expected} - ({owned} or 0 * {expected})) > 0",
            "Part of the company is not counted.",
            "{{ $value }} partitions of {{ $labels.topic }} have no worker: the customers in them stand still.",
            pending="1m", feed=OF_TOPIC,
        ),
        Alert(
            "NetgrowthPartitionOwnedTwice", warning, owner,
            f"count by (topic, partition) (netgrowth_partition_owned == 1 {IN_FORCE}) > 1",
            "Two workers read one partition.",
            "{{ $value }} workers say that they read partition {{ $labels.partition }} of {{ $labels.topic }}; do "
            "two of them run under different group names?",
            pending="1m",
        ),
        Alert(
            "NetgrowthRecoveryTooLong", warning, owner,
            "max by (topic, partition) (netgrowth_partition_recovering) == 1",
            "A partition has been recovering for long.",
            "Partition {{ $labels.partition }} of {{ $labels.topic }} has been restoring its state for over five "
            "minutes; its customers are not counted meanwhile.",
            pending="5m",
        ),
        Alert(
            "NetgrowthTablesIncomplete", warning, owner, f"netgrowth_tables_complete == 0 {IN_FORCE}",
            "A worker does not have the company's tables.",
            "{{ $labels.instance }} has been reading the tables of the company back for over five minutes; until "
            "then it shows nothing.",
            pending="5m",
        ),
        Alert(
            "NetgrowthDefinitionsDiffer", warning, owner,
            f"count(count by (name, version) (netgrowth_definitions_info {IN_FORCE})) > 1",
            "Workers count under different definitions.",
            "{{ $value }} versions of the definitions are in force at once; a change of version takes minutes, not "
            "longer.",
            pending="15m",
        ),
        Alert(
            "NetgrowthLabelsCut", warning, owner, "max by (label) (netgrowth_label_cut_ratio) > 0.2",
            "Many customers are folded into `other`.",
            "{{ $value | humanizePercentage }} of the customers have a value of {{ $labels.label }} that is not "
            "shown under its own name, as there are too many: agree on fewer in the definitions.",
            pending="30m",
        ),
        Alert(
            "NetgrowthSeriesNearBudget", warning, owner,
            "max(netgrowth_table_series) > 0.8 * max(netgrowth_table_series_budget)",
            "The tables nearly fill their budget of series.",
            "The tables make {{ $value }} series, over 80 % of the budget; beyond it labels are cut further.",
            pending="30m",
        ),
    )


OF_FEEDS = '{topic!="actions"}'
"""Without what people enter now and then: its silence says nothing."""

LONGEST_PAUSE = "topic:netgrowth_append_age_seconds:longest14d"
"""Of a feed that has been there for a day, out of pauses that are over: what stands still now is not ordinary yet."""

SILENT_AFTER = "topic:netgrowth_feed_silent_after_seconds:max"
"""Of a feed without a promise: so old its newest record may be. The detectors go by the same."""

SILENT = "topic:netgrowth_feed_silent_seconds:max"
"""There only while a feed is silent: for how long. What is made from it shows no data meanwhile."""

_FEED_RECORDINGS = (
    Recording("topic:netgrowth_append_age_seconds:min",
              f"time() - max by (topic) (netgrowth_newest_append_timestamp_seconds{OF_FEEDS})"),
    Recording("company:netgrowth_tables_clock_timestamp_seconds:max",
              "max(netgrowth_tables_clock_timestamp_seconds)"),
    # Of what the detectors count they say it, as they know it; of other feeds it is what was seen here.
    Recording(SILENT_AFTER,
              "max by (topic) (last_over_time(netgrowth_feed_silent_after_seconds[15m])) or "
              f"clamp_min({OVER:g} * last_over_time({LONGEST_PAUSE}[15m]), {LEAST_US // SECOND})"),
)


_AGE, _PAUSE = "topic:netgrowth_append_age_seconds:min", "topic:netgrowth_append_age_seconds:pause"
_PAUSE_RECORDINGS = (
    # Made every five minutes: a record came since, so the oldest age a little before was the end of a pause.
    Recording(_PAUSE, f"max_over_time({_AGE}[11m]) and on (topic) {_AGE} < 330"),
    Recording(LONGEST_PAUSE, f"max_over_time({_PAUSE}[14d]) and on (topic) last_over_time({_AGE}[2h] offset 1d)"),
)


def _feeds(rules: AlertRules) -> tuple[Alert, ...]:
    owner = rules.monitor_owner
    critical, warning = Severity.CRITICAL, Severity.WARNING
    recovering = "max by (topic, partition) (netgrowth_partition_recovering) == 1"
    letters = "sum by (topic) (increase(netgrowth_dead_letters_total[10m]))"
    records = "sum by (topic) (increase(netgrowth_records_total[10m]))"
    clock = "company:netgrowth_tables_clock_timestamp_seconds:max"
    return (
        Alert(
            "NetgrowthFeedSilent", warning, owner,
            f"{SILENT} > 0",
            "A feed is silent for longer than ever, or than it promised.",
            "The last record of {{ $labels.topic }} came {{ $value | humanizeDuration }} ago: more than a quarter "
            "over the longest pause of the last 14 days, or longer than the definitions promise. What it would tell "
            "is unknown, not zero.",
            feed=OF_TOPIC,
        ),
        Alert(
            "NetgrowthFeedMissing", Severity.INFO, owner,
            f"max by (topic) (netgrowth_partitions_expected{OF_FEEDS}) unless on (topic) "
            "max by (topic) (netgrowth_newest_append_timestamp_seconds)",
            "A feed has never sent a record.",
            "Nothing has been read from {{ $labels.topic }} since its workers started.",
            pending="1h",
        ),
        Alert(
            "NetgrowthConsumerLagging", warning, owner,
            "max by (topic, partition) (netgrowth_partition_lag_records) > 0 and "
            "time() - max by (topic, partition) (netgrowth_newest_append_timestamp_seconds) > 60 "
            f"unless on (topic, partition) {recovering}",
            "Counting is behind.",
            "{{ $value }} records of {{ $labels.topic }}, partition {{ $labels.partition }}, wait to be counted, and "
            "the newest that was counted is over a minute old.",
            pending="5m",
        ),
        Alert(
            "NetgrowthClockStuck", critical, owner,
            f"{clock} <= {clock} offset 15m and on () sum(increase(netgrowth_facts_total[10m])) > 0",
            "The clock of the tables stands still while facts arrive.",
            "No window has moved for 15 minutes, though facts are read: one partition holds the clock back, or its "
            "sender's clock is wrong.",
            pending="1m",
        ),
        Alert(
            "NetgrowthDeadLetters", warning, owner, f"{letters} >= 10 and {letters} > 0.01 * {records}",
            "Many records cannot be admitted.",
            "{{ $value | printf \"%.0f\" }} records of {{ $labels.topic }} became dead letters in ten minutes, over "
            "1 % of all: a source has changed its format? `netgrowth dead-letters list` shows reasons.",
            keep="10m",
        ),
        Alert(
            "NetgrowthRecordsLost", critical, owner,
            "max by (topic, partition) (netgrowth_partition_lost_to_retention_records) > 0",
            "Records left the topic before they were counted.",
            "{{ $value }} records of {{ $labels.topic }}, partition {{ $labels.partition }}, were deleted by "
            "retention before a worker read them: the tables lack them.",
            keep="1m",
        ),
    )


def _silent(heartbeats: Mapping[str, int]) -> str:
    """A feed that promised a heartbeat is held to it, any other to its own past, once a day of it is known.

    What is read behind its end says nothing of the end.
    """
    promised = "|".join(heartbeats)
    of_past = _AGE + (f'{{topic!~"{promised}"}}' if promised else "")
    found = [f"{of_past} > on (topic) {SILENT_AFTER}"]
    found += [f'{_AGE}{{topic="{feed}"}} > {(every + LATE_US) // SECOND}' for feed, every in heartbeats.items()]
    return f"({' or '.join(found)}) unless on (topic) max by (topic) (netgrowth_partition_lag_records) > 0"


def _freshness_recordings() -> tuple[Recording, ...]:
    found = []
    for window in sorted({window for burn in BURNS for window in burn[:2]}, key=_seconds):
        within = f'sum by (topic) (rate(netgrowth_append_delay_seconds_bucket{{le="{COUNTED_WITHIN}"}}[{window}]))'
        all_batches = f"sum by (topic) (rate(netgrowth_append_delay_seconds_count[{window}]))"
        found.append(Recording(_slow(window), f"1 - {within} / {all_batches}"))
    return tuple(found)


def _freshness(owner: str) -> tuple[Alert, ...]:
    found = []
    names = {Severity.CRITICAL: "NetgrowthCountingSlow", Severity.WARNING: "NetgrowthCountingOftenSlow"}
    for severity, name in names.items():
        pairs = []
        for long, short, burn, of in BURNS:
            if of is not severity:
                continue
            limit = f"{burn * (1 - OBJECTIVE):.3g}"
            pairs.append(
                f"({_slow(long)} > {limit} and {_slow(short)} > {limit} and "
                f"sum by (topic) (increase(netgrowth_append_delay_seconds_count[{long}])) >= {LEAST_BATCHES})"
            )
        found.append(
            Alert(
                name, severity, owner, " or ".join(pairs),
                "What customers do is seen late.",
                "{{ $value | humanizePercentage }} of the batches of {{ $labels.topic }} were counted more than 5 s "
                f"after they were appended; the objective is {OBJECTIVE:.0%} within 5 s over 30 days.",
                keep="1m",
            )
        )
    return tuple(found)


def _slow(window: str) -> str:
    return f"topic:netgrowth_append_delay_slow:ratio_rate{window}"


def _seconds(window: str) -> int:
    return int(window[:-1]) * {"m": 60, "h": 3600, "d": 86400}[window[-1]]
