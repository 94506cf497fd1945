"""Models of sentiment that were fitted to own labels: where they lie, saving and loading them."""

import io
from pathlib import Path, PurePath
from zipfile import BadZipFile

import numpy as np

from config.definitions_file import SHIPPED, Definitions
from streams.sentiment.linear import FittedScorer, LinearModel, UnreadableModel, model_of
from streams.sentiment.scorer import LexiconScorer, Scorer

ENDING = ".sentiment.npz"


def model_path(definitions: str | Path) -> Path:
    """Where the model of a definitions file lies: beside it; for a shipped one, in the current folder."""
    path = Path(definitions)
    if path.is_file() and path.resolve().parent != SHIPPED:
        return path.with_name(path.stem + ENDING)
    return Path(PurePath(definitions).stem + ENDING)


def save_model(model: LinearModel, path: Path) -> None:
    """Write a model so that nobody reads half of it. Raises: OSError."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **model.arrays())
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(buffer.getvalue())
    unfinished.replace(path)


def load_model(path: Path) -> LinearModel:
    """Read a model. Raises: OSError, UnreadableModel."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return model_of(arrays)
    except (ValueError, EOFError, BadZipFile) as error:
        raise UnreadableModel(f"{path}: {error}") from error


def scorer_for(definitions: Definitions, path: Path) -> Scorer | None:
    """The fitted scorer that lies there; None: there is none, the shipped one serves.

    Raises: OSError, UnreadableModel.
    """
    if not path.is_file():
        return None
    return FittedScorer(load_model(path), LexiconScorer(definitions.voice.valences))
