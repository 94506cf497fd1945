"""A model of own labelled texts: it learns what they say, and scores alike when it was saved and read again."""

import random

import numpy as np
import pytest

from streams.sentiment.labelled import read_labelled
from streams.sentiment.linear import CLASSES, Fitted, FittedScorer, UnreadableModel, fit, model_of
from streams.sentiment.measures import area_under_curve, best_thresholds, macro_f1
from streams.sentiment.scorer import LexiconScorer, class_of

SHIPPED = LexiconScorer()
OWN = {
    0: ["the blorb is snarfed", "snarfed blorbs everywhere", "my widget got snarfed on monday"],
    1: ["the blorb is in the shop", "which widget fits the blorb", "my widget came on monday"],
    2: ["the blorb is quexly", "quexly widgets everywhere", "my widget is so quexly on monday"],
}


def texts(count: int, seed: int = 1) -> tuple[list[str], list[int]]:
    draw = random.Random(seed)
    labels = [draw.randrange(3) for _ in range(count)]
    return [f"{draw.choice(OWN[label])} {draw.choice(['today', 'here', 'again', 'ok'])}" for label in labels], labels


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(*texts(400), SHIPPED)


def test_it_learns_words_that_no_lexicon_has(fitted: Fitted) -> None:
    scorer = FittedScorer(fitted.model, SHIPPED)
    found = [class_of(scorer.score(f"your blorb was {word}")) for word in ("snarfed", "quexly")]
    assert found == ["unhappy", "happy"]
    assert class_of(SHIPPED.score("your blorb was snarfed")) == "neutral"
    assert fitted.area > 0.99 > fitted.shipped_area
    later, labels = texts(200, seed=9)
    assert (
        sum(class_of(scorer.score(text)) == CLASSES[label] for text, label in zip(later, labels, strict=True)) > 190
    )


def test_it_explains_by_what_it_learnt(fitted: Fitted) -> None:
    parts = FittedScorer(fitted.model, SHIPPED).explain("my blorb got snarfed")
    assert "snarfed" in parts[0].term
    assert parts[0].weight < 0


def test_a_saved_model_scores_as_before(fitted: Fitted) -> None:
    arrays = fitted.model.arrays()
    once = model_of(arrays)
    again = FittedScorer(model_of(once.arrays()), SHIPPED)
    first = FittedScorer(once, SHIPPED)
    for text in texts(50, seed=3)[0]:
        assert first.score(text).score == again.score(text).score
        assert first.score(text).score == pytest.approx(
            FittedScorer(fitted.model, SHIPPED).score(text).score, abs=0.01
        )


def test_a_language_that_it_never_saw_is_unread(fitted: Fitted) -> None:
    found = FittedScorer(fitted.model, SHIPPED).score("das ist leider sehr schlecht")
    assert (found.language, found.read, found.score) == ("de", False, 0.0)


def test_it_reads_the_language_that_it_was_taught() -> None:
    labels = [number % 2 * 2 for number in range(100)]
    german = [
        f"das war leider {'sehr gut und ich komme' if label else 'sehr schlecht, nie'} wieder {number}"
        for number, label in enumerate(labels)
    ]
    scorer = FittedScorer(fit(german, labels, SHIPPED).model, SHIPPED)
    assert class_of(scorer.score("das ist leider schlecht und nie wieder")) == "unhappy"
    assert class_of(scorer.score("das war sehr gut")) == "happy"


def test_what_is_no_model_is_said_to_be_none(fitted: Fitted) -> None:
    arrays = fitted.model.arrays()
    for wrong in ({}, arrays | {"format": np.array(99)}, arrays | {"weights": np.zeros((4, 3))}):
        with pytest.raises(UnreadableModel):
            model_of(wrong)


def test_labelled_lines_of_all_kinds() -> None:
    lines = [
        b"\xef\xbb\xbftext\tlabel\n", b"it broke\tunhappy\n", b"happy\tlove it\n", b'"well, it came",neutral\n',
        b'{"text": "so-so", "label": 0}\n', b'{"text": "nice", "sentiment": "Positive"}\n', b"\n",
        b"no label at all\n", b"grr,-0.8\n", b"{broken\n", b"odd\t7\n",
    ]  # fmt: skip
    found = read_labelled(lines)
    assert list(zip(found.texts, found.labels, strict=True)) == [
        ("it broke", 0), ("love it", 2), ("well, it came", 1), ("so-so", 1), ("nice", 2), ("grr", 0),
    ]  # fmt: skip
    assert found.unreadable == [1, 8, 10, 11]


def test_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    draw = random.Random(4)
    scores, truth = [draw.randrange(8) for _ in range(60)], [draw.random() < 0.4 for _ in range(60)]
    pairs = [(one > other) + (one == other) / 2
             for one, yes in zip(scores, truth, strict=True) if yes
             for other, no in zip(scores, truth, strict=True) if not no]  # fmt: skip
    assert area_under_curve(scores, truth) == pytest.approx(sum(pairs) / len(pairs))
    assert np.isnan(area_under_curve([1.0], [True]))


def test_macro_f1_by_hand() -> None:
    # unhappy: precision 1/1, recall 1/2; neutral: 1/2, 1/1; happy: 1/1, 1/1
    assert macro_f1([0, 1, 1, 2], [0, 0, 1, 2]) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert macro_f1([0, 0], [1, 1]) == 0.0


def test_thresholds_part_the_classes() -> None:
    differences = [-0.8, -0.7, 0.1, 0.2, 0.7, 0.8] * 10
    low, high = best_thresholds(differences, [0, 0, 1, 1, 2, 2] * 10)
    assert -0.7 <= low < 0.1
    assert 0.2 < high <= 0.7
    assert best_thresholds([0.1], [1]) == (-0.2, 0.2)
