"""The log of editions: one is in force at any place of it, whoever wrote at once, and all who read it agree."""

from hypothesis import given
from hypothesis import strategies as st

from streams.editions import FIRST, Build, Editions, TakeOver, edition_record


def word(edition: str, replaces: str) -> bytes:
    return edition_record(TakeOver(edition, replaces, ("company", edition), 1))[1]


def test_an_edition_takes_over_from_the_one_in_force_alone() -> None:
    editions = Editions()
    assert editions.in_force == FIRST
    assert editions.take(word("v2", FIRST))
    assert not editions.take(word("v3", FIRST))  # it had caught up with another one
    assert not editions.take(word("v2", FIRST))  # said twice
    assert editions.take(word("v3", "v2"))
    assert (editions.in_force, editions.replaced) == ("v3", {FIRST, "v2"})
    assert editions.last is not None
    assert editions.last.definitions == ("company", "v3")


def test_who_was_replaced_does_not_come_back() -> None:
    editions = Editions()
    for value in (word("v2", FIRST), word(FIRST, "v2"), word("v3", "v2"), word("v2", "v3")):
        editions.take(value)
    assert editions.in_force == "v3"


def test_what_cannot_be_read_is_nothing() -> None:
    editions = Editions()
    assert not any(editions.take(value) for value in (None, b"", b"{", b"[]", b'{"edition": 1}'))
    assert editions.in_force == FIRST


def test_a_build_is_remembered_and_takes_nothing_over() -> None:
    editions = Editions()
    begun = Build("past", "abc", ("company", "1"), 1)
    assert not editions.take(edition_record(begun)[1])
    assert editions.builds == {"past": begun}
    editions.take(edition_record(Build("past", "abc", ("company", "1"), 2, done=True))[1])
    assert editions.builds["past"].done
    assert editions.in_force == FIRST


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "a", "b", "c"])), max_size=12))
def test_each_take_over_names_the_one_before_it_and_none_is_twice(words: list[tuple[str, str]]) -> None:
    editions = Editions()
    chain = [FIRST]
    for edition, replaces in words:
        if editions.take(word(edition, replaces)):
            assert replaces == chain[-1]
            chain.append(editions.in_force)
    assert len(set(chain)) == len(chain)
    assert editions.replaced == set(chain[:-1])
