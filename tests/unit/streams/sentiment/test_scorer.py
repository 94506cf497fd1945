"""What the shipped scorer makes of texts: words, negations, degrees, emoji, brands, questions."""

import time

import pytest

from streams.sentiment.scorer import LexiconScorer, class_of, score_of

SCORER = LexiconScorer()


def classed(text: str) -> str:
    return class_of(SCORER.score(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two hours on hold and nobody answers", "unhappy"),
        ("where is my refund? still waiting", "unhappy"),
        ("My parcel arrived broken", "unhappy"),
        ("thank you so much, great service", "happy"),
        ("What time does the shop open?", "neutral"),
        ("Do you fly to Boston on Sundays?", "neutral"),
        ("👍", "happy"),
        ("😡😡", "unhappy"),
        ("all done :)", "happy"),
        ("#stillnorefund #neveragain", "unhappy"),
        ("#GreatService", "happy"),
        ("that was sooooo baaaad", "unhappy"),
        ("", "unread"),
    ],
)
def test_classes(text: str, expected: str) -> None:
    assert classed(text) == expected


@pytest.mark.parametrize(
    ("happier", "unhappier"),
    [
        ("happy with it", "not happy with it"),
        ("the app is not bad", "the app is bad"),
        ("really helpful", "helpful"),
        ("helpful", "slightly helpful"),
        ("your site is bad", "your site is TERRIBLE"),
        ("your site is terrible", "your site is TERRIBLE"),
        ("bad hotel but great crew", "great crew but bad hotel"),
        ("thank you", "thank you for losing my luggage"),
        ("waiting", "waiting 3 hours"),
        ("it won't load", "it won't load!!"),
    ],
)
def test_what_is_happier(happier: str, unhappier: str) -> None:
    assert SCORER.score(happier).score > SCORER.score(unhappier).score


def test_apostrophes_of_any_kind_and_none_are_one_word() -> None:
    scores = {SCORER.score(text).score for text in ("it doesn't work", "it doesn’t work", "it doesnt work")}
    assert len(scores) == 1


def test_words_of_a_brand_replace_the_lexicons() -> None:
    plain, told = SCORER, LexiconScorer({"Killer Deal": 3.0, "hell": 0, "Loyalty Lite": -2.5})
    assert plain.score("the killer deal is back").score <= 0
    assert told.score("the killer deal is back").score > 0.05
    assert told.score("Gates of Hell opens in May").score > plain.score("Gates of Hell opens in May").score
    assert class_of(told.score("I got loyalty lite")) == "unhappy"


def test_explains_by_the_words_that_count_most() -> None:
    parts = SCORER.explain("the crew was not helpful and I waited 2 hours")
    assert [part.term for part in parts][:3] == ["not helpful", "waited", "2 hours"]
    assert all(part.weight < 0 for part in parts)
    assert SCORER.explain("") == []


def test_scores_stay_within_bounds_and_rise_with_the_sum() -> None:
    sums = [place / 7 for place in range(-700, 701)]
    scores = [score_of(total) for total in sums]
    assert scores == sorted(scores)
    assert -1 < scores[0] < scores[-1] < 1
    assert score_of(0.0) == 0.0
    assert SCORER.score("worst " * 5000).score > -1
    assert SCORER.score("best! " * 5000).score < 1


def test_a_long_text_is_judged_by_its_tone_not_its_length() -> None:
    once = "the order came on monday and my agent was friendly and quick"
    assert class_of(SCORER.score(". ".join([once] * 30))) == "happy"


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "#" + "ab" * 100_000, "!?" * 100_000, "not " * 50_000, "😡" * 50_000]
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    SCORER.score(text)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("text", ["\x00", "\ud83d", "\u202e", "@", "#", "<", "http://", "'", "&amp;", "١٢", "ﬁne"])
def test_odd_texts_are_scored_or_left_unread(text: str) -> None:
    assert -1 < SCORER.score(text).score < 1
