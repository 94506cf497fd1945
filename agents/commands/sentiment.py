"""`netgrowth sentiment`: how happy or unhappy texts are, line by line."""

import sys

import click
import orjson

from streams.sentiment.scorer import LexiconScorer, Scorer, class_of

WORDS_SHOWN = 10


@click.group(
    "sentiment",
    invoke_without_command=True,
    epilog="Example: echo 'two hours on hold and nobody answers' | netgrowth sentiment --json",
)
@click.option("--json", "as_json", is_flag=True, help="One object a line: score, label, language, and the words.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Read one text a line from standard input; answer each at once with a score in [-1, 1].

    Scores up to -0.05 are unhappy, from 0.05 on happy. A text in a language that is not read is no neutral one: it
    gets 0, and with --json the label `unread`.
    """
    if context.invoked_subcommand is None:
        _answer(LexiconScorer(), as_json)


def _answer(scorer: Scorer, as_json: bool) -> None:
    out = sys.stdout.buffer
    # Line by line: reading ahead would leave a caller waiting who sends the next text after the answer.
    for line in iter(sys.stdin.buffer.readline, b""):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sentiment = scorer.score(text)
        if not as_json:
            out.write(b"%.4f\n" % sentiment.score)
        else:
            words = scorer.explain(text)[:WORDS_SHOWN] if sentiment.read else []
            told = {
                "score": round(sentiment.score, 4),
                "label": class_of(sentiment),
                "language": sentiment.language,
                "read": sentiment.read,
                "words": [{"word": part.term, "weight": round(part.weight, 3)} for part in words],
            }
            out.write(orjson.dumps(told) + b"\n")
        out.flush()
