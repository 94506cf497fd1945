"""Health and voice: what customers experience and say, beside what operations say of the services."""

from grafana.board import Board, Row, choice, label_values, other, placed, who
from grafana.panels import (
    COUNT,
    GREEN,
    PURPLE,
    RED,
    SIGNED,
    YELLOW,
    Step,
    Target,
    bars,
    lines,
    number,
    rows,
    states,
)
from grafana.queries import of_brand, of_part, of_spell, of_stage, plain

WINDOWS = ("5m", "1h", "24h")


def board() -> Board:
    """The board."""
    return Board(
        "netgrowth-health-and-voice", "Health and voice",
        "What customers experience and say, while it happens, beside what the services say of themselves.",
        (_experienced(), _parts(), _operations(), _said(), _survey(), _topics(), _surges(), _sources()),
        (
            choice("window", "Window", WINDOWS, "24h"),
            label_values("service", "Service", "netgrowth_health_stage_tier", "service"),
            label_values("segment", "Segment", 'netgrowth_health_customers_seen{scope="segment_region"}', "segment"),
            label_values("region", "Region", 'netgrowth_health_customers_seen{scope="segment_region"}', "region"),
            label_values("brand", "Brand", "netgrowth_mentions", "brand"),
        ),
    )  # fmt: skip


COLOURS = {0: ("green", GREEN), 1: ("yellow", YELLOW), 2: ("red", RED)}
LEVELS = {0: ("up", GREEN), 1: ("degraded", YELLOW), 2: ("down", RED)}
SAID, HIDDEN = 10, 20
"""In one panel beside colours: what operations say, from here on; false green."""

MATH = other("Customer math", "netgrowth-customer-math")


OF = "${{__field.labels.{}}}"
"""The value of a label, in a link."""


def _experienced() -> Row:
    return Row(
        "What they experience",
        placed(
            12, 8,
            lines("Customers disrupted", "Distinct customers disrupted in the window, at each stage.", COUNT,
                  Target(of_stage("customers_disrupted"), "{{service}}, {{stage}}"),
                  links=(who("disrupted", service=OF.format("service"), stage=OF.format("stage")),)),
            states("Customers beside operations", "Of every service and stage two lines: the colour of its customers "
                   "in the last five minutes, by the lower bound of the share disrupted or their number; and what "
                   "operations say of it. False green: they say up while customers are red.",
                   Target(_beside_operations(), "{{service}}, {{stage}}: {{who}}"),
                   names=COLOURS | {SAID + level: word for level, word in LEVELS.items()}
                   | {HIDDEN: ("false green", PURPLE)}),
            rows("Stages", "Customers seen and disrupted, minutes of disruption over all customers, lower bound of "
                 "the share, Apdex, expected value of those disrupted in the currency of the definitions, how many "
                 "of them the ledger does not know, and probes.", COUNT,
                 {
                     "disrupted": of_stage("customers_disrupted"), "seen": of_stage("customers_seen"),
                     "customer-minutes": f"{of_stage('customer_disruption_seconds')} / 60",
                     "share, at least": of_stage("share_lower_ratio"),
                     "Apdex": of_stage("apdex_ratio"), "value at risk": of_stage("value_at_risk"),
                     "value unknown": of_stage("customers_of_unknown_value"), "probes": of_stage("probes_sent"),
                     "probes failed": of_stage("probes_failed"),
                     "tier": plain("health_stage_tier", "service", "stage"),
                 }, ["service", "stage"], sort="disrupted"),
            lines("Latency", "Quantiles of what customers waited for.", "s",
                  Target(of_stage("latency_seconds", "q"), "{{service}}, {{stage}}: {{q}}")),
        ),
    )  # fmt: skip


def _beside_operations() -> str:
    said = f"{SAID} + {of_stage('stage_status', window=None)}"
    hidden = f"{HIDDEN} + 0 * {of_spell('false_green_seconds')}"
    return (
        f'label_replace({of_stage("colour", window="5m")}, "who", "customers", "", "") '
        f'or label_replace(({hidden}) or ({said}), "who", "operations", "", "")'
    )


def _parts() -> Row:
    return Row(
        "Which customers",
        placed(
            12, 8,
            rows("Segments and regions, last hour", "The parts of stages with the most customers disrupted.", COUNT,
                 {"disrupted": f"topk(20, {of_part('customers_disrupted')})"},
                 ["service", "stage", "segment", "region"], sort="disrupted"),
            rows("Subsets named", "Which customers fare worse than others, named in the last hour, and how many of "
                 "them were disrupted since it began. A line of zero without a name: none.", COUNT,
                 {
                     "disrupted": f"{plain('health_subset_customers_disrupted', 'service', 'stage', 'subset')} "
                     f"or on () 0 * {plain('health_subsets_named')}",
                 }, ["service", "stage", "subset"], sort="disrupted"),
        ),
    )  # fmt: skip


def _operations() -> Row:
    return Row(
        "What operations say",
        placed(
            8, 6,
            states("Status of the services", "The last word of operations, the worst of a service.",
                   Target(plain("health_service_status", "service"), "{{service}}"), names=LEVELS),
            rows("False green", "Status up while customers are red: since when, and for how many minutes.", COUNT,
                 {
                     "minutes": f"{of_spell('false_green_seconds')} / 60",
                     "seconds ago": f"time() - {of_spell('false_green_since_timestamp_seconds')}",
                 }, ["service", "stage"], sort="minutes"),
            number("Freshness", "How far the clock of the signals is behind the wall clock, and how old the oldest "
                   "last word of a service is.", "s",
                   Target(f"time() - {plain('health_clock_timestamp_seconds')}", "signals"),
                   Target(f"time() - {plain('health_service_status_timestamp_seconds', how='min')}", "status")),
            number("Who knew first", "Of the troubles of the last week that customers complained of, the share that "
                   "was detected before the first complaint.", "percentunit",
                   Target(plain("health_first_to_know_ratio", how="min"))),
            number("Lead before the first loss", "From the detection of a trouble of the last week to the first loss "
                   "of a customer disrupted in it: the median.", "s",
                   Target(plain("health_lead_before_loss_seconds", how="min"))),
            number("Do the disrupted leave more?", "How many times as often customers left in the last 28 days "
                   "who had been disrupted in the days before, with its interval of 99 %. Where that holds 1 nothing "
                   "is shown.", COUNT, Target(plain("health_leaving_risk_ratio", "bound"), "{{bound}}"), decimals=2),
            number("Who left, who stayed", "Customers seen who left in the last 28 days, and who stayed, by whether "
                   "they had been disrupted in the days before.", COUNT,
                   Target(f"sum by (disrupted) ({plain('health_leavers', 'reason', 'disrupted')})",
                          "left, disrupted: {{disrupted}}"),
                   Target(plain("health_stayers", "disrupted"), "stayed, disrupted: {{disrupted}}")),
            number("Troubles", "Scopes from red to green again, last week: all, those complained of, and those that "
                   "disrupted customers left after.", COUNT,
                   Target(plain("health_troubles"), "all"),
                   Target(plain("health_troubles_complained_of"), "complained of"),
                   Target(plain("health_troubles_left_after"), "left after")),
            number("Customers in trouble", "Distinct customers disrupted in the last five minutes.", COUNT,
                   Target(plain("health_customers_in_trouble")), links=(who("in_trouble"),)),
            number("Coverage", "Workers that have the health of the whole company, whether operations said anything, "
                   "scopes of the last hour, and how many are shown under their own names.", COUNT,
                   Target(plain("health_complete", how="sum"), "workers that have it"),
                   Target(plain("health_status_known"), "operations said something"),
                   Target(plain("health_scopes"), "scopes"), Target(plain("health_scopes_shown"), "shown")),
        ),
    )  # fmt: skip


def _said() -> Row:
    none = f'label_replace(0 * {plain("mentions_clock_timestamp_seconds")}, "kind", "none", "", "")'
    return Row(
        "What they say",
        placed(
            12, 8,
            lines("Unhappy mentions, beside what is expected", "Unhappy mentions of each brand in the last hour, "
                  "and how many its own past, the hour and the day lead one to expect. Surges are marked.", COUNT,
                  Target(of_brand("mentions_unhappy", window="1h"), "{{brand}}"),
                  Target(_expected("unhappy"), "{{brand}}, expected")),
            lines("Happy mentions, beside what is expected", "The same of happy mentions. Both may rise while net "
                  "sentiment stays flat.", COUNT,
                  Target(of_brand("mentions_happy", window="1h"), "{{brand}}"),
                  Target(_expected("happy"), "{{brand}}, expected")),
            lines("Net sentiment", "(Happy - unhappy) / (happy + unhappy): from -100 %, all unhappy, to 100 %.",
                  "percentunit", Target(of_brand("net_sentiment_ratio"), "{{brand}}"), steps=SIGNED),
            rows("Brands", "Mentions, authors, readers (each author at most at a cap) and share of voice.", COUNT,
                 {
                     "mentions": of_brand("mentions"), "authors": of_brand("mention_authors"),
                     "happy": of_brand("mentions_happy"), "unhappy": of_brand("mentions_unhappy"),
                     "not read": of_brand("mentions_unread"), "readers": of_brand("mention_reach"),
                     "share of voice": of_brand("share_of_voice_ratio"),
                 }, ["brand"], sort="unhappy"),
            bars("Set apart", "Mentions left out, by kind: copies of others, of swarms of accounts, of machines.",
                 COUNT, Target(f"sum by (kind) ({of_brand('mentions_set_apart', 'kind')}) or on () {none}",
                                "{{kind}}"),
                 color=YELLOW),
        ),
    )  # fmt: skip


def _expected(mood: str) -> str:
    return of_brand("mentions_expected", window=None, mood=mood)


def _survey() -> Row:
    unhappy, mentions = (of_brand(name, window="24h") for name in ("mentions_unhappy", "mentions"))
    answered, low = plain("survey_answers"), plain("survey_answers_unhappy")
    return Row(
        "And what surveys say, later",
        (
            *placed(
                12, 8,
                lines("Unhappy, as they say it and as they are asked", "Share of unhappy ones among the mentions of "
                      "the last 24 hours of all brands chosen, and among the answers to surveys of the seven days "
                      "before the newest one: how much later surveys tell the same.", "percentunit",
                      Target(f"sum({unhappy}) / sum({mentions})", "mentions"),
                      Target(f"{low} / {answered}", "answers to surveys"), links=(MATH,)),
            ),
            *placed(
                6, 8,
                number("Answers", "Answers to surveys in the seven days before the newest one, the unhappy ones "
                       "among them, and how far up its scale an answer lies in the mean.", COUNT,
                       Target(answered, "answers"), Target(low, "unhappy"),
                       Target(f"100 * {plain('survey_score_ratio')}", "mean, of 100")),
                number("Newest answer", "How long ago it was given.", "s",
                       Target(f"time() - {plain('survey_newest_timestamp_seconds')}")),
            ),
        ),
    )  # fmt: skip


def _topics() -> Row:
    return Row(
        "What it is about",
        placed(
            12, 8,
            bars("Topics of the unhappy", "Unhappy mentions by topic. Topics are the words of the agreed reasons, so "
                 "that what people say and why they leave can be laid side by side.", COUNT,
                 Target(f"topk(10, {of_brand('topic_mentions_unhappy', 'topic')})", "{{brand}}: {{topic}}"),
                 color=RED),
            bars("Topics of all", "Mentions by topic, whatever their mood.", COUNT,
                 Target(f"topk(10, {of_brand('topic_mentions', 'topic')})", "{{brand}}: {{topic}}")),
        ),
    )  # fmt: skip


def _surges() -> Row:
    running = f"0 * {plain('surges_clock_timestamp_seconds')}"
    nothing = f'label_replace(label_replace({running}, "label", "no", "", ""), "value", "surge", "", "")'
    keys = ("measure", "segment", "region", "product", "brand", "topic", "service", "stage", "direction", "surge")
    return Row(
        "Surges",
        (
            *placed(
                6, 5,
                number("Open surges", "Departures from what a series' own past, its hour and its day lead one to "
                       "expect, that go on now. Those that an action of ours expected are among them.", COUNT,
                       Target(f"{plain('surges_open', how='sum')} or {running}"),
                       steps=(Step(None, GREEN), Step(1, RED))),
                number("Series watched", "By state; one that is warming has no past yet and raises nothing.", COUNT,
                       Target(plain("surge_series", "state"), "{{state}}")),
                number("What people said of surges", "Surges of the last 30 days by the verdict given, and how many "
                       "false ones are accepted.", COUNT, Target(plain("surges_judged", "verdict"), "{{verdict}}"),
                       Target(plain("surges_false_alarm_budget"), "false ones accepted")),
                number("What surveys showed", "Of the troubles of the last 60 days, by state; no_surveys: none were "
                       "answered, or too few to compare with.", COUNT,
                       Target(plain("survey_troubles", "state"), "{{state}}")),
                number("Looked for up to", "How far the event time of the detectors is behind the wall clock.", "s",
                       Target(f"time() - {plain('surges_clock_timestamp_seconds')}"),
                       steps=(Step(None, GREEN), Step(900, YELLOW))),
            ),
            *placed(
                12, 8,
                rows("Surges that go on", "What was counted since the onset, what was expected, and for how many "
                     "seconds it has lasted. A line of zero without a name: none.", COUNT,
                     {
                         "observed": f"{plain('surge_observed', *keys)} or on () {running}",
                         "expected": f"{plain('surge_expected', *keys)} or on () {running}",
                         "seconds": f"time() - {plain('surge_onset_timestamp_seconds', *keys)} or on () {running}",
                     }, keys, sort="observed"),
                rows("What people say before they leave", "By how many hours unhappy mentions of a topic come before "
                     "losses for that reason, and how closely these follow: best estimate and its interval. Only "
                     "where the data say so; a line of zero without a topic: nowhere.", COUNT,
                     {
                         "hours": f"{plain('topic_loss_lead_seconds', 'topic', 'bound')} / 3600 or on () {running}",
                         "strength": f"{plain('topic_loss_correlation_ratio', 'topic', 'bound')} or on () {running}",
                     }, ["topic", "bound"]),
                rows("Lead over surveys", "By how many hours troubles of the last 60 days were told before surveys "
                     "showed them: when the mean of seven days fell, when unhappy answers surged, and the first of "
                     "both. Below zero surveys were first. A line of zero without a story: surveys showed none.",
                     COUNT,
                     {
                         "hours": f"{plain('survey_lead_seconds', 'story', 'measure', 'by')} / 3600 or on () "
                                  f"{running}",
                     }, ["measure", "story", "by"]),
                bars("What they consist of", "Share of a surge's excess that a segment, region, reason, topic or "
                     "channel makes; the first three of each.", "percentunit",
                     Target(f"{plain('surge_evidence_ratio', 'label', 'value')} or on () {nothing}",
                            "{{label}} {{value}}"), color=RED, decimals=2),
            ),
        ),
    )  # fmt: skip


def _sources() -> Row:
    return Row(
        "Sources",
        placed(
            8, 6,
            rows("Sources of mentions", "How many mentions each source has given, and when its newest was said. A "
                 "source that stops changes its age and no other figure.", COUNT,
                 {
                     "mentions": plain("mention_source_mentions", "source"),
                     "seconds ago": f"time() - {plain('mention_source_newest_timestamp_seconds', 'source')}",
                 }, ["source"]),
            number("Clock of the mentions", "How far the event time of the mentions is behind the wall clock.", "s",
                   Target(f"time() - {plain('mentions_clock_timestamp_seconds')}"),
                   steps=(Step(None, GREEN), Step(900, YELLOW))),
            number("Brands", "Brands with mentions in the last day, how many of them are shown under their own name, "
                   "and workers that have the mentions of the whole company.", COUNT,
                   Target(plain("mention_brands"), "brands"), Target(plain("mention_brands_shown"), "shown"),
                   Target(plain("mentions_complete", how="sum"), "workers that have them")),
        ),
    )  # fmt: skip
