"""How happy or unhappy a text is, by the words in it: the scorer that is shipped, and what every scorer answers.

Valences of terms are added up as VADER does (Hutto and Gilbert 2014: negation within three words, degree words,
`but`), with what is peculiar to customers' mentions: trouble is told in plain words ("two hours on hold"), thanks
beside trouble are mostly bitter, questions are mostly neutral. docs/sentiment.md says how well it does, and how that
was measured.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from streams.sentiment.language import ENGLISH, ENGLISH_WORDS, UNDETERMINED, language_of
from streams.sentiment.lexicon import Node, Term, shipped_terms, tree_of
from streams.sentiment.tokens import LONGEST, MARK_START, Splitter, shouted_of, tokens_of, unheld

UNHAPPY_AT: Final = -0.05
HAPPY_AT: Final = 0.05
"""Scores from which on a text counts as unhappy or happy, where the definitions say nothing else; VADER's own."""

# Sums of valences between these say too little either way; they lie between the two scores above.
_UNHAPPY_SUM: Final = -1.5
_HAPPY_SUM: Final = 1.0
_HALF_WAY: Final = 2.0

_NEGATED_PRAISE: Final = -0.74  # VADER's
_NEGATED_TROUBLE: Final = -0.3  # "not bad" is fainter praise than "not good" is a complaint
_NEGATED_WORDS: Final = 3
_BEFORE_BUT: Final = 0.5
_TROUBLE_BEFORE_BUT: Final = 0.8
_DEGREE_UP: Final = 1.3
_DEGREE_DOWN: Final = 0.7
_SHOUTED: Final = 1.2
_TIME_SPENT: Final = -1.0  # "2 hours": nobody counts them in praise
_BITTER_THANKS: Final = 0.2
_ASKED: Final = 0.7
_LINKED: Final = 0.68  # who passes on a link mostly tells what others said
_EXCLAIMED: Final = 0.2
_WORDS_OF_A_MENTION: Final = 25

_NEGATIONS: Final = (
    "not no never cant cannot wont dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt wouldnt shouldnt "
    "couldnt aint nor neither without nothing hardly barely lack zero nobody"
)
NEGATIONS: Final = frozenset(_NEGATIONS.split())
_UP: Final = (
    "very so really extremely super totally absolutely completely incredibly truly fucking beyond most such too "
    "quite especially utterly"
)
_DOWN: Final = "slightly somewhat bit kinda sorta little fairly partly"
_DEGREE: Final = dict.fromkeys(_UP.split(), _DEGREE_UP) | dict.fromkeys(_DOWN.split(), _DEGREE_DOWN)
_UNITS: Final = "hours hour hrs hr h mins minutes min minute days day weeks week months"
_TIME: Final = frozenset(_UNITS.split())
_BUT: Final = frozenset({"but", "however"})
_ALTERING: Final = NEGATIONS | _DEGREE.keys() | _TIME | _BUT


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a scorer says of a text.

    Attributes:
        score: from -1, as unhappy as can be, to 1; 0 for a text that is not read.
        language: ISO 639-1, or `und`.
        read: False: a language that the scorer does not read, or no language at all; the score means nothing.
    """

    score: float
    language: str
    read: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one term of a text adds to its score, before all is added up; below zero: unhappy."""

    term: str
    weight: float


class Scorer(Protocol):
    """Anything that tells how happy a text is."""

    def score(self, text: str, language: str | None = None) -> Sentiment:
        """The sentiment of a text.

        Args: language: as its source states it (`en`, `en-GB`); None: found out from the text.
        """
        ...

    def explain(self, text: str) -> list[Part]:
        """The terms that made the score, those with the greatest weight first."""
        ...


def class_of(sentiment: Sentiment, unhappy_at: float = UNHAPPY_AT, happy_at: float = HAPPY_AT) -> str:
    """`unhappy`, `neutral`, `happy` or `unread`."""
    if not sentiment.read:
        return "unread"
    return "unhappy" if sentiment.score <= unhappy_at else "happy" if sentiment.score >= happy_at else "neutral"


def stated_language(language: str | None) -> str | None:
    """The main part of a language tag (`en` of `en-GB`); None for `und` and silence."""
    if not language:
        return None
    main = language.lower().replace("_", "-").partition("-")[0]
    return None if main in ("und", "zxx", "mul") else {"eng": "en", "english": "en"}.get(main, main)


class LexiconScorer:
    """The shipped scorer: English, by lexicon and a few rules.

    Args: brand_words: terms with valences of -4 to 4 that hold for these brands, in place of what the lexicon says.
    """

    def __init__(self, brand_words: Mapping[str, float] | None = None) -> None:
        own = {} if brand_words is None else {_plain(word): _brand_term(word, v) for word, v in brand_words.items()}
        self._tree = tree_of(shipped_terms() | own)
        words = (word for word in (*self._tree, *ENGLISH_WORDS) if word.isalpha() and len(word) > 1)
        self._split = Splitter(frozenset(words))

    def score(self, text: str, language: str | None = None) -> Sentiment:
        """See `Scorer`."""
        tokens = tokens_of(text, self._split)
        found = stated_language(language) or language_of(text[:LONGEST], tokens, self._tree)
        if found != ENGLISH:
            return Sentiment(0.0, found or UNDETERMINED, False)
        return Sentiment(score_of(self._sum(text, tokens, None)), ENGLISH, True)

    def explain(self, text: str) -> list[Part]:
        """See `Scorer`."""
        parts: list[Part] = []
        self._sum(text, tokens_of(text, self._split), parts)
        return sorted(parts, key=lambda part: (-abs(part.weight), part.term))

    def total(self, text: str) -> float:
        """The sum of valences, whatever the language: below zero unhappy."""
        return self._sum(text, tokens_of(text, self._split), None)

    @property
    def known_words(self) -> Container[str]:
        """English words that the lexicon knows."""
        return self._tree

    def _sum(self, text: str, tokens: list[str], parts: list[Part] | None) -> float:
        """The sum of valences; `parts` is told of each."""
        tree = self._tree
        praise = trouble = 0.0
        negated_to, degree = -1, 1.0
        asked = linked = False
        exclaimed = words = place = 0
        shouted = shouted_of(text)
        count = len(tokens)
        while place < count:
            token = tokens[place]
            start = token[0]
            if start in MARK_START and token not in tree:
                if start == "!" or start == "?":
                    asked = asked or "?" in token
                    exclaimed += "!" in token
                negated_to, degree = -1, 1.0
                place += 1
                continue
            words += 1
            if start == "@" or start == "<":
                place += 1
                if token in tree:
                    place -= 1
                else:
                    continue
            node = tree.get(token)
            if node is None:
                if start == "h" and token.startswith("http"):
                    linked = True
                elif len(token) > 3:
                    node = _of_held(token, tree)
                if node is None and token not in _ALTERING:
                    degree = 1.0
                    place += 1
                    continue
            term, length = (None, 1) if node is None else _longest(node, tokens, place, count)
            if token in _BUT:
                praise *= _BEFORE_BUT
                trouble *= _TROUBLE_BEFORE_BUT
                negated_to = -1
            if token in _TIME and place and tokens[place - 1].isdigit():
                trouble += _TIME_SPENT
                if parts is not None:
                    parts.append(Part(f"{tokens[place - 1]} {token}", _TIME_SPENT))
            if term is not None:
                valence = term.valence
                if place <= negated_to and term.turns:
                    valence *= _NEGATED_PRAISE if valence > 0 else _NEGATED_TROUBLE
                if valence > 1 or valence < -1:
                    valence *= degree
                    if shouted and token in shouted:
                        valence *= _SHOUTED
                if valence > 0:
                    praise += valence
                else:
                    trouble += valence
                if parts is not None and valence:
                    parts.append(Part(("not " if place <= negated_to and term.turns else "") + term.text, valence))
            if length == 1 and token in NEGATIONS:
                negated_to = place + _NEGATED_WORDS
            degree = _DEGREE.get(token, 1.0)
            place += length
        if words > _WORDS_OF_A_MENTION:
            shorter = _WORDS_OF_A_MENTION / words
            praise *= shorter
            trouble *= shorter
        total: float = praise / (1 - _BITTER_THANKS * trouble) + trouble
        if asked and not exclaimed and total < 0:
            total *= _ASKED
        if linked:
            total *= _LINKED
        if exclaimed and total:
            total += _EXCLAIMED * min(exclaimed, 2) * (1 if total > 0 else -1)
        return total


def score_of(total: float) -> float:
    """A sum of valences as a score in [-1, 1]; the indifferent sums fill the middle between unhappy and happy."""
    if total <= _UNHAPPY_SUM:
        beyond = _UNHAPPY_SUM - total
        return UNHAPPY_AT - (1 + UNHAPPY_AT) * beyond / (beyond + _HALF_WAY)
    if total >= _HAPPY_SUM:
        beyond = total - _HAPPY_SUM
        return HAPPY_AT + (1 - HAPPY_AT) * beyond / (beyond + _HALF_WAY)
    return HAPPY_AT * total / _HAPPY_SUM if total > 0 else UNHAPPY_AT * total / _UNHAPPY_SUM


def _longest(node: Node, tokens: list[str], place: int, count: int) -> tuple[Term | None, int]:
    """The longest term that begins at a place, and how many tokens it has."""
    term, length, following = node.term, 1, node.next
    if not following:
        return term, 1
    ahead = place + 1
    while following and ahead < count:
        step = following.get(tokens[ahead])
        if step is None:
            break
        ahead += 1
        if step.term is not None:
            term, length = step.term, ahead - place
        following = step.next
    return term, length


def _of_held(token: str, tree: Mapping[str, Node]) -> Node | None:
    """The node of a word with held letters (`sooooo`)."""
    shorter = unheld(token)
    return None if shorter is None else tree.get(shorter[0]) or tree.get(shorter[1])


def _plain(word: str) -> str:
    return " ".join(tokens_of(word))


def _brand_term(word: str, valence: float) -> Term:
    return Term(_plain(word), valence)
