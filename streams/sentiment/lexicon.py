"""Lexicons: terms of one or more words with a valence, and how they are found in a text.

`general.tsv` is VADER's, `service.txt` the project's own; both say in their first lines where they come from.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from streams.sentiment.tokens import tokens_of


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of a lexicon.

    Attributes:
        text: its words, without apostrophes.
        valence: -4 (as unhappy as can be) to 4.
        turns: a negation in front turns it.
    """

    text: str
    valence: float
    turns: bool = True


@dataclass(slots=True)
class Node:
    """Where the words so far lead: the term that they make, if any, and the words that may follow."""

    term: Term | None = None
    next: "dict[str, Node]" = field(default_factory=dict)


class UnreadableLexicon(ValueError):
    """A line of a lexicon is none."""


def read_general(text: str) -> dict[str, Term]:
    """Lines of `token<TAB>valence`. Raises: UnreadableLexicon."""
    terms = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            word, tab, valence = line.partition("\t")
            if not tab:
                raise UnreadableLexicon(f"line {number}: no tab")
            terms[word] = Term(word, float(valence))
    return terms


def read_service(text: str) -> dict[str, Term]:
    """Lines of `valence: term, term ...`; `~` before the valence: no negation turns it. Raises: UnreadableLexicon."""
    terms: dict[str, Term] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line[0] in "#[":
            continue
        head, colon, rest = line.partition(": ")
        if not colon:
            raise UnreadableLexicon(f"line {number}: no colon")
        valence = float(head.removeprefix("~"))
        for term in rest.split(", "):
            # The first word of a term decides: what is said twice was thought of in the stronger list first.
            terms.setdefault(term, Term(term, valence, not head.startswith("~")))
    return terms


def tree_of(terms: dict[str, Term]) -> dict[str, Node]:
    """The terms by their words, so that the longest at a place is found by walking."""
    roots: dict[str, Node] = {}
    for term in terms.values():
        words = tokens_of(term.text)
        if not words:
            continue
        node = roots.setdefault(words[0], Node())
        for word in words[1:]:
            node = node.next.setdefault(word, Node())
        node.term = term
    return roots


@cache
def shipped_terms() -> dict[str, Term]:
    """The terms of both lexicons; where both have one, the project's own counts."""
    folder = files("streams.sentiment") / "lexicon"
    general = read_general((folder / "general.tsv").read_text(encoding="utf-8"))
    service = read_service((folder / "service.txt").read_text(encoding="utf-8"))
    return general | service
