"""The shipped scorer beside VADER and a fitted model: how good on real mentions, how fast.

    python -m benchmarks.sentiment [--data ../shared/data] [--fit]

Needs the package vaderSentiment for the comparison (`pip install vaderSentiment`); without it the rest is printed.
Speed is CPU time of one process, each scorer over the same texts in turn, so that the ratio holds on a busy machine.
"""

import csv
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import click

from streams.sentiment.linear import FittedScorer, fit
from streams.sentiment.measures import area_under_curve, macro_f1
from streams.sentiment.scorer import HAPPY_AT, UNHAPPY_AT, LexiconScorer

LABELS = {"negative": 0, "neutral": 1, "positive": 2}
LATER = "2015-02-22"
ROUNDS = 3

Score = Callable[[str], float]


@click.command()
@click.option("--data", default="../shared/data", type=click.Path(path_type=Path), help="Folder of the shared data.")
@click.option("--fit", "with_fit", is_flag=True, help="Also a model fitted to the first five days.")
def main(data: Path, with_fit: bool) -> None:
    """Area under the curve, macro-F1 and mentions a second of each scorer."""
    with gzip.open(data / "airline-tweets" / "mentions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    earlier = [row for row in rows if row["created_at"] < LATER]
    later = [row for row in rows if row["created_at"] >= LATER]
    shipped = LexiconScorer()
    scorers: dict[str, Score] = {"shipped": lambda text: shipped.score(text).score}
    vader = _vader()
    if vader is not None:
        scorers["VADER"] = vader
    if with_fit:
        fitted = fit([row["text"] for row in earlier], [LABELS[row["sentiment"]] for row in earlier], LexiconScorer())
        model = FittedScorer(fitted.model, LexiconScorer())
        scorers["fitted"] = lambda text: model.score(text).score
    speeds = dict.fromkeys(scorers, 0.0)
    for _ in range(ROUNDS):
        for name, score in scorers.items():
            started = time.process_time()
            for row in later:
                score(row["text"])
            speeds[name] = max(speeds[name], len(later) / (time.process_time() - started))
    labels = [LABELS[row["sentiment"]] for row in later]
    click.echo(f"airline-tweets from {LATER} on, {len(later):,} mentions")
    click.echo(f"{'scorer':<10}{'AUC unhappy':>13}{'macro-F1':>10}{'mentions/s':>12}")
    for name, score in scorers.items():
        scores = [score(row["text"]) for row in later]
        area = area_under_curve([-one for one in scores], [label == 0 for label in labels])
        classes = [0 if one <= UNHAPPY_AT else 2 if one >= HAPPY_AT else 1 for one in scores]
        click.echo(f"{name:<10}{area:>13.3f}{macro_f1(classes, labels):>10.3f}{speeds[name]:>12,.0f}")
    if vader is not None:
        click.echo(f"shipped / VADER: {speeds['shipped'] / speeds['VADER']:.2f} times the speed")
    else:
        click.echo("VADER is not installed: pip install vaderSentiment")


def _vader() -> Score | None:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    return lambda text: float(analyzer.polarity_scores(text)["compound"])


if __name__ == "__main__":
    main()
