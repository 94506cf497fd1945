"""Words of open lists: bounded, and the same for a record that is read again."""

from streams.facts.models import Fact
from streams.facts.open_words import MOST_WORDS, UNLISTED, OpenWords


def left(reason: str) -> Fact:
    return Fact("left", 1, "c", "crm", reason, reason=reason)


def folded(words: OpenWords, *reasons: str) -> list[str | None]:
    facts = [left(reason) for reason in reasons]
    words.fold(facts)
    return [fact.reason for fact in facts]


def test_words_beyond_the_limit_count_as_unlisted_and_known_ones_as_before() -> None:
    words = OpenWords(most=2)
    assert folded(words, "price", "support", "noise-1", "price", "noise-2") == [
        "price", "support", UNLISTED, "price", UNLISTED,
    ]  # fmt: skip


def test_a_label_has_a_limit_of_its_own_and_silence_is_no_word() -> None:
    words = OpenWords(most=1)
    fact = Fact("joined", 1, "c", "crm", "1", segment="A", activity="spring")
    words.fold([fact])
    assert (fact.segment, fact.activity, fact.reason, fact.region) == ("A", "spring", None, None)


def test_what_was_saved_answers_alike() -> None:
    words = OpenWords(most=2)
    folded(words, "price", "support")
    again = OpenWords(most=2)
    again.restore(words.pack())
    assert folded(again, "noise", "support") == [UNLISTED, "support"]
    assert not again.changed


def test_a_hundred_thousand_made_up_words_leave_as_many_as_are_kept() -> None:
    words = OpenWords()
    kept = set(folded(words, *(f"reason {number}" for number in range(100_000))))
    assert len(kept) == MOST_WORDS + 1
