"""Health and voice: what customers experience and say, beside what operations say of the services."""

from grafana.board import Board, Row, choice, label_values, placed
from grafana.panels import GREEN, RED, SIGNED, YELLOW, Step, Target, bars, lines, number, rows
from grafana.queries import of_brand, plain

WINDOWS = ("5m", "1h", "24h")


def board() -> Board:
    """The board."""
    return Board(
        "netgrowth-health-and-voice", "Health and voice",
        "What customers experience and say, while it happens, beside what the services say of themselves.",
        (_said(), _topics(), _sources()),
        (
            choice("window", "Window", WINDOWS, "24h"),
            label_values("brand", "Brand", "netgrowth_mentions", "brand"),
        ),
    )  # fmt: skip


def _said() -> Row:
    return Row(
        "What they say",
        placed(
            12, 8,
            lines("Happy and unhappy mentions", "Mentions of each brand in the window, without copies, swarms and "
                  "machines. Both may rise while net sentiment stays flat.", "none",
                  Target(of_brand("mentions_happy"), "{{brand}}, happy"),
                  Target(of_brand("mentions_unhappy"), "{{brand}}, unhappy")),
            lines("Net sentiment", "(Happy - unhappy) / (happy + unhappy): from -100 %, all unhappy, to 100 %.",
                  "percentunit", Target(of_brand("net_sentiment_ratio"), "{{brand}}"), steps=SIGNED),
            rows("Brands", "Mentions, authors, readers (each author at most at a cap) and share of voice.", "none",
                 {
                     "mentions": of_brand("mentions"), "authors": of_brand("mention_authors"),
                     "happy": of_brand("mentions_happy"), "unhappy": of_brand("mentions_unhappy"),
                     "not read": of_brand("mentions_unread"), "readers": of_brand("mention_reach"),
                     "share of voice": of_brand("share_of_voice_ratio"),
                 }, ["brand"], sort="unhappy"),
            bars("Set apart", "Mentions left out, by kind: copies of others, of swarms of accounts, of machines.",
                 "none", Target(f"sum by (kind) ({of_brand('mentions_set_apart', 'kind')})", "{{kind}}"),
                 color=YELLOW),
        ),
    )  # fmt: skip


def _topics() -> Row:
    return Row(
        "What it is about",
        placed(
            12, 8,
            bars("Topics of the unhappy", "Unhappy mentions by topic. Topics are the words of the agreed reasons, so "
                 "that what people say and why they leave can be laid side by side.", "none",
                 Target(f"topk(10, {of_brand('topic_mentions_unhappy', 'topic')})", "{{brand}}: {{topic}}"),
                 color=RED),
            bars("Topics of all", "Mentions by topic, whatever their mood.", "none",
                 Target(f"topk(10, {of_brand('topic_mentions', 'topic')})", "{{brand}}: {{topic}}")),
        ),
    )  # fmt: skip


def _sources() -> Row:
    return Row(
        "Sources",
        placed(
            8, 6,
            rows("Sources of mentions", "How many mentions each source has given, and when its newest was said. A "
                 "source that stops changes its age and no other figure.", "none",
                 {
                     "mentions": plain("mention_source_mentions", "source"),
                     "seconds ago": f"time() - {plain('mention_source_newest_timestamp_seconds', 'source')}",
                 }, ["source"]),
            number("Clock of the mentions", "How far the event time of the mentions is behind the wall clock.", "s",
                   Target(f"time() - {plain('mentions_clock_timestamp_seconds')}"),
                   steps=(Step(None, GREEN), Step(900, YELLOW))),
            number("Brands", "Brands with mentions in the last day, how many of them are shown under their own name, "
                   "and workers that have the mentions of the whole company.", "none",
                   Target(plain("mention_brands"), "brands"), Target(plain("mention_brands_shown"), "shown"),
                   Target(plain("mentions_complete", how="sum"), "workers that have them")),
        ),
    )  # fmt: skip
