"""A linear model of sentiment, trained on an operator's own labelled texts: multinomial logistic regression.

Written here with numpy alone: it is some fifty lines, and a library for it would be the largest dependency of all.
Trained by accelerated gradient descent with restarts (Nesterov 1983; O'Donoghue and Candes 2015), which needs no
settings: the step follows from the largest row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.sentiment.features import DENSE, SIZE, FeatureReader, Features, place_of_pair, places_of, told_tokens
from streams.sentiment.language import UNDETERMINED, language_of
from streams.sentiment.measures import area_under_curve, best_thresholds
from streams.sentiment.scorer import HAPPY_AT, UNHAPPY_AT, LexiconScorer, Part, Sentiment, stated_language
from streams.sentiment.tokens import LONGEST, tokens_of

CLASSES: Final = ("unhappy", "neutral", "happy")
FORMAT: Final = 1

_ROUNDS: Final = 150
_SETTLED: Final = 1e-3
_PENALTY: Final = 0.5  # of the squared weights, divided by the number of texts
_LEAST_SHARE: Final = 0.02

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
_Own = tuple[tuple[float, float, float], float]
"""What a token or a pair adds to the three classes, and to the square of a text's length."""


class UnreadableModel(ValueError):
    """What was read is no model of this format."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A trained model.

    Attributes:
        weights: by place and class, with how telling a feature is multiplied in.
        rarity: by place, how telling a feature is (inverse document frequency).
        dense: by dense feature and class.
        unhappy_at, happy_at: of the difference of the probabilities of happy and unhappy, where classes begin.
        languages: those that the texts were in.
        texts: how many it was trained on.
    """

    weights: Weights
    rarity: Weights
    dense: Floats
    unhappy_at: float
    happy_at: float
    languages: tuple[str, ...]
    texts: int

    def arrays(self) -> dict[str, Any]:
        """What to save, by name."""
        return {
            "format": np.array(FORMAT),
            "weights": self.weights.astype(np.float16),
            "rarity": self.rarity.astype(np.float16),
            "dense": self.dense,
            "thresholds": np.array([self.unhappy_at, self.happy_at]),
            "languages": np.array(self.languages),
            "texts": np.array(self.texts),
        }


def model_of(arrays: Mapping[str, Any]) -> LinearModel:
    """The model that was saved. Raises: UnreadableModel."""
    try:
        if int(arrays["format"]) != FORMAT:
            raise UnreadableModel(f"a model of format {int(arrays['format'])}, where {FORMAT} is read; fit it anew")
        weights, rarity = arrays["weights"].astype(np.float32), arrays["rarity"].astype(np.float32)
        dense = arrays["dense"].astype(np.float64)
        unhappy_at, happy_at = (float(threshold) for threshold in arrays["thresholds"])
        if weights.shape != (SIZE, len(CLASSES)) or rarity.shape != (SIZE,) or dense.shape != (DENSE, len(CLASSES)):
            raise UnreadableModel("the model has other features than are read; fit it anew")
        languages = tuple(str(language) for language in arrays["languages"])
        return LinearModel(weights, rarity, dense, unhappy_at, happy_at, languages, int(arrays["texts"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableModel(f"no model of sentiment: {error}") from error


@dataclass(frozen=True, slots=True)
class _Rows:
    """Features of many texts, row after row."""

    places: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    dense: Floats

    @property
    def count(self) -> int:
        return len(self.dense)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and how well one that learnt from the first four fifths of the texts does on the last fifth.

    Attributes:
        model: learnt from all.
        later: texts of the last fifth.
        area, shipped_area: area under the curve of unhappy against the rest there, of the model and of the shipped
            scorer; NaN where all or none of them are unhappy.
    """

    model: LinearModel
    later: int
    area: float
    shipped_area: float


def fit(texts: Sequence[str], labels: Sequence[int], scorer: LexiconScorer) -> Fitted:
    """A model of labelled texts.

    Args:
        texts: in their order of time, so that thresholds are chosen on later texts than the rest was learnt from.
        labels: of each text, a place in `CLASSES`.
        scorer: whose lexicon is one of the features.
    """
    reader = FeatureReader(scorer)
    features = [reader.features_of(text) for text in texts]
    given = np.asarray(labels)
    split = max(1, len(texts) * 4 // 5)
    earlier = _trained(_rows_of(features[:split]), given[:split])
    differences = [_difference(*earlier, one) for one in features[split:]]
    unhappy_at, happy_at = best_thresholds(differences, labels[split:])
    weights, rarity, dense = _trained(_rows_of(features), given)
    model = LinearModel(weights, rarity, dense, unhappy_at, happy_at, _languages_of(texts), len(texts))
    unhappy = [label == 0 for label in labels[split:]]
    shipped = [-scorer.total(text) for text in texts[split:]]
    area = area_under_curve([-difference for difference in differences], unhappy)
    return Fitted(model, len(unhappy), area, area_under_curve(shipped, unhappy))


class FittedScorer:
    """A scorer (see `streams.sentiment.scorer.Scorer`) by a trained model."""

    _KEPT: Final = 100_000

    def __init__(self, model: LinearModel, scorer: LexiconScorer) -> None:
        self._model = model
        self._reader = FeatureReader(scorer)
        self._known = scorer.known_words
        self._dense: list[list[float]] = model.dense.tolist()
        self._tokens: dict[str, _Own] = {}

    def score(self, text: str, language: str | None = None) -> Sentiment:
        """See `Scorer`."""
        found = stated_language(language) or language_of(text[:LONGEST], tokens_of(text), self._known)
        if not text.strip() or found not in self._model.languages:
            return Sentiment(0.0, found or UNDETERMINED, False)
        return Sentiment(self._warped(self._difference_of(text)), found, True)

    def explain(self, text: str) -> list[Part]:
        """See `Scorer`; weights are those of happy less those of unhappy."""
        tokens = told_tokens(text)
        parts: dict[str, float] = {}
        before = "^"
        for token in tokens:
            (unhappy, _, happy), _ = self._token(token)
            parts[token] = parts.get(token, 0.0) + happy - unhappy
            (unhappy, _, happy), _ = self._pair(before, token)
            if before != "^":
                parts[f"{before} {token}"] = parts.get(f"{before} {token}", 0.0) + happy - unhappy
            before = token
        found = [Part(term, weight) for term, weight in parts.items() if weight]
        return sorted(found, key=lambda part: (-abs(part.weight), part.term))

    def _difference_of(self, text: str) -> float:
        unhappy = neutral = happy = squares = 0.0
        before = "^"
        for token in told_tokens(text):
            for own, square in (self._token(token), self._pair(before, token)):
                unhappy += own[0]
                neutral += own[1]
                happy += own[2]
                squares += square
            before = token
        length = squares**0.5 or 1.0
        sums = [unhappy / length, neutral / length, happy / length]
        for value, weights in zip(self._reader.dense_of(text), self._dense, strict=True):
            if value:
                for place, weight in enumerate(weights):
                    sums[place] += value * weight
        most = max(sums)
        shares = [exp(one - most) for one in sums]
        return (shares[2] - shares[0]) / sum(shares)

    def _token(self, token: str) -> _Own:
        found = self._tokens.get(token)
        return self._keep(token, places_of(token)) if found is None else found

    def _pair(self, before: str, token: str) -> _Own:
        key = f"{before} {token}"
        found = self._tokens.get(key)
        if found is None:
            place = place_of_pair(before, token)
            unhappy, neutral, happy = self._model.weights[place].tolist()
            found = self._tokens[key] = (unhappy, neutral, happy), float(self._model.rarity[place]) ** 2
        return found

    def _keep(self, key: str, places: list[int]) -> _Own:
        if len(self._tokens) >= self._KEPT:
            self._tokens.clear()
        at = np.asarray(places)
        unhappy, neutral, happy = self._model.weights[at].sum(axis=0, dtype=np.float64).tolist()
        squares = float((self._model.rarity[at].astype(np.float64) ** 2).sum())
        found = self._tokens[key] = (unhappy, neutral, happy), squares
        return found

    def _warped(self, difference: float) -> float:
        """A score whose classes begin where all scorers' do."""
        low, high = self._model.unhappy_at, self._model.happy_at
        if difference <= low:
            return UNHAPPY_AT - (1 + UNHAPPY_AT) * (low - difference) / (1 + low)
        if difference >= high:
            return HAPPY_AT + (1 - HAPPY_AT) * (difference - high) / (1 - high)
        return UNHAPPY_AT + (HAPPY_AT - UNHAPPY_AT) * (difference - low) / (high - low)


def _rows_of(features: Sequence[Features]) -> _Rows:
    places = np.fromiter((place for one in features for place in one.places), dtype=np.int64)
    rows = np.repeat(np.arange(len(features)), [len(one.places) for one in features])
    return _Rows(places, rows, np.array([one.dense for one in features]))


def _trained(data: _Rows, labels: npt.NDArray[Any]) -> tuple[Weights, Weights, Floats]:
    """Weights with rarity multiplied in, rarity, and dense weights."""
    count, classes = data.count, len(CLASSES)
    seen = np.bincount(np.unique(data.rows * SIZE + data.places) & (SIZE - 1), minlength=SIZE)
    rarity = np.where(seen > 0, np.log((1 + count) / (1 + seen)) + 1, 0.0)
    values = rarity[data.places]
    lengths = np.sqrt(np.bincount(data.rows, values**2, minlength=count))
    values /= np.where(lengths > 0, lengths, 1.0)[data.rows]
    # A text has its features many times over; where they are equal one number stands for all.
    keys, inverse = np.unique(data.rows * SIZE + data.places, return_inverse=True)
    values = np.bincount(inverse, values)
    rows, places = keys // SIZE, keys & (SIZE - 1)
    used, columns = np.unique(places, return_inverse=True)
    truth = np.eye(classes)[labels]
    penalty = _PENALTY / count
    longest = 0.0 if not len(rows) else float(np.bincount(rows, values**2, minlength=count).max())
    step = 1 / (0.5 * (longest + float((data.dense**2).sum(axis=1).max())) + penalty)

    def gradient(sparse: Floats, dense: Floats) -> tuple[Floats, Floats]:
        logits = data.dense @ dense
        for place in range(classes):
            logits[:, place] += np.bincount(rows, values * sparse[columns, place], minlength=count)
        wrong = (_softmax(logits) - truth) / count
        of_sparse = np.stack(
            [np.bincount(columns, values * wrong[rows, place], minlength=len(used)) for place in range(classes)],
            axis=1,
        )
        return of_sparse + penalty * sparse, data.dense.T @ wrong

    sparse, dense = _descended(gradient, np.zeros((len(used), classes)), np.zeros((DENSE, classes)), step)
    weights = np.zeros((SIZE, classes), dtype=np.float32)
    weights[used] = sparse * rarity[used][:, None]
    return weights, rarity.astype(np.float32), dense


def _descended(gradient: Any, sparse: Floats, dense: Floats, step: float) -> tuple[Floats, Floats]:
    """The minimum of a convex function, by its gradient."""
    ahead_sparse, ahead_dense, pace = sparse, dense, 1.0
    for _ in range(_ROUNDS):
        of_sparse, of_dense = gradient(ahead_sparse, ahead_dense)
        next_sparse, next_dense = ahead_sparse - step * of_sparse, ahead_dense - step * of_dense
        moved_sparse, moved_dense = next_sparse - sparse, next_dense - dense
        uphill = float((of_sparse * moved_sparse).sum() + (of_dense * moved_dense).sum()) > 0
        following = 1.0 if uphill else (1 + (1 + 4 * pace**2) ** 0.5) / 2
        momentum = 0.0 if uphill else (pace - 1) / following
        ahead_sparse, ahead_dense = next_sparse + momentum * moved_sparse, next_dense + momentum * moved_dense
        sparse, dense, pace = next_sparse, next_dense, following
        if float(np.abs(moved_dense).max()) + float(np.abs(moved_sparse).max(initial=0.0)) < _SETTLED:
            break
    return sparse, dense


def _difference(weights: Weights, rarity: Weights, dense: Floats, features: Features) -> float:
    at = np.asarray(features.places, dtype=np.int64)
    length = float(np.sqrt((rarity[at].astype(np.float64) ** 2).sum())) or 1.0
    sums = weights[at].sum(axis=0, dtype=np.float64) / length + np.asarray(features.dense) @ dense
    return _difference_of_sums(sums)


def _difference_of_sums(sums: Floats) -> float:
    unhappy, _, happy = _softmax(sums[None, :])[0]
    return float(happy - unhappy)


def _softmax(logits: Floats) -> Floats:
    raised: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _languages_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Languages of at least one text in fifty."""
    known = LexiconScorer().known_words
    counts: dict[str, int] = {}
    for text in texts:
        language = language_of(text[:LONGEST], tokens_of(text), known)
        counts[language] = counts.get(language, 0) + 1
    return tuple(sorted(name for name, count in counts.items() if count >= _LEAST_SHARE * len(texts)))
