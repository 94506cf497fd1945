"""The scorer of sentiment that was fitted to own labels, for commands."""

import click

from agents.commands.environment import WrongInput
from agents.sentiment_models import model_path, scorer_for
from streams.facts.definitions.model import Definitions
from streams.sentiment.linear import UnreadableModel
from streams.sentiment.scorer import Scorer


def fitted_scorer(definitions: Definitions, file: str) -> Scorer | None:
    """The model beside a definitions file, told of on stderr; None: there is none, the shipped lexicon serves.

    Raises: WrongInput, when it cannot be read.
    """
    path = model_path(file)
    try:
        scorer = scorer_for(definitions, path)
    except (OSError, UnreadableModel) as error:
        raise WrongInput(f"{path} cannot be read: {error}; fit it anew, or take it away") from error
    if scorer is not None:
        click.echo(f"sentiment by {path}", err=True)
    return scorer
