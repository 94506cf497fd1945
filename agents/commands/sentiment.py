"""`netgrowth sentiment`: how happy or unhappy texts are, line by line."""

import sys
from math import isnan
from pathlib import Path

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.fitted import fitted_scorer
from agents.commands.ledger import load_definitions
from agents.record_files import UnreadableFile, read_records
from agents.sentiment_models import model_path, save_model
from streams.sentiment.labelled import read_labelled
from streams.sentiment.linear import CLASSES, fit
from streams.sentiment.scorer import LexiconScorer, Scorer, class_of

WORDS_SHOWN = 10
LEAST_TEXTS = 50
LINES_SHOWN = 5


@click.group(
    "sentiment",
    invoke_without_command=True,
    epilog="Example: echo 'two hours on hold and nobody answers' | netgrowth sentiment --json",
)
@click.option("--json", "as_json", is_flag=True, help="One object a line: score, label, language, and the words.")
@click.option("--definitions", "definitions_file", help="The definitions file, whose words of brands count.")
@click.option("--shipped", is_flag=True, help="By the shipped lexicon, also where a model was fitted.")
@click.pass_context
def command(context: click.Context, as_json: bool, definitions_file: str | None, shipped: bool) -> None:
    """Read one text a line from standard input; answer each at once with a score in [-1, 1].

    Scores up to -0.05 are unhappy, from 0.05 on happy. A text in a language that is not read is no neutral one: it
    gets 0, and with --json the label `unread`. Where a model was fitted to own labels (netgrowth sentiment fit) it
    serves in place of the shipped lexicon.
    """
    if context.invoked_subcommand is not None:
        return
    file = definitions_file or str(settings_from_environment().definitions)
    definitions = load_definitions(file)
    scorer = None if shipped else fitted_scorer(definitions, file)
    _answer(scorer or LexiconScorer(definitions.voice.valences), as_json)


@command.command("fit", epilog="Example: netgrowth sentiment fit labelled.tsv --definitions ours.yaml")
@click.argument("file", type=click.Path())
@click.option("--definitions", "definitions_file", help="Save the model beside this definitions file.")
def fit_command(file: str, definitions_file: str | None) -> None:
    """Learn from own labelled texts: FILE has a text and a label a line, oldest first.

    A line is a JSON object with `text` and `label`, or text and label with a tab or comma between. Labels are
    unhappy, neutral and happy, or numbers of -1 to 1. The model is saved beside the definitions and serves from then
    on; take the file away, and the shipped scorer serves again. FILE may be gzip or zstd compressed; - is standard
    input.
    """
    named = definitions_file or str(settings_from_environment().definitions)
    definitions = load_definitions(named)
    try:
        lines = (record.value or b"" for records in read_records(file, "labelled") for record in records)
        labelled = read_labelled(lines)
    except UnreadableFile as error:
        raise WrongInput(str(error)) from error
    for number in labelled.unreadable[:LINES_SHOWN]:
        click.echo(f"line {number}: no text with a label; write for example: a text<TAB>unhappy", err=True)
    if len(labelled.unreadable) > LINES_SHOWN:
        click.echo(f"... {len(labelled.unreadable)} lines give no text with a label", err=True)
    counts = [labelled.labels.count(place) for place in range(len(CLASSES))]
    classes = sum(count > 0 for count in counts)
    if len(labelled.texts) < LEAST_TEXTS or classes < 2:
        raise WrongInput(
            f"{file}: {len(labelled.texts)} labelled texts of {classes} classes; a model needs {LEAST_TEXTS} "
            "or more, of two classes or three"
        )
    told = ", ".join(f"{count:,} {name}" for name, count in zip(CLASSES, counts, strict=True))
    click.echo(f"learning from {len(labelled.texts):,} texts: {told}", err=True)
    fitted = fit(labelled.texts, labelled.labels, LexiconScorer(definitions.voice.valences))
    path = model_path(named)
    try:
        save_model(fitted.model, path)
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {error.strerror or error}") from error
    if not isnan(fitted.area):
        click.echo(
            "unhappy against the rest, area under the curve, learnt from the first four fifths and tried on the last "
            f"({fitted.later:,} texts): {fitted.area:.3f}; the shipped scorer: {fitted.shipped_area:.3f}"
        )
    click.echo(f"saved to {Path(path)}")


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
