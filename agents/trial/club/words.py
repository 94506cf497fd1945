"""What made-up members write to the club and its airlines: sentences put together by chance."""

from random import Random

_UNHAPPY_OPENINGS = (
    "Our flight was cancelled", "Hours late again", "Stranded at the gate", "I missed my connection",
    "Still waiting for a seat", "Nobody could rebook us", "Cancelled without a word",
    "Delayed, then delayed again", "The board said on time and it was a lie", "Three hours in a queue",
)  # fmt: skip
_UNHAPPY_MIDDLES = (
    "and the desk had no idea why", "while everybody around us flew", "with two children and no hotel",
    "and the app still shows on time", "and I lost a day of work", "and nobody says sorry",
    "before my sister's wedding", "and my bag is gone as well", "and the phone line is dead",
    "while other airlines left as planned",
)  # fmt: skip
_UNHAPPY_ENDINGS = (
    "Terrible.", "Awful service.", "This is a disgrace.", "Never again!", "I am so angry.",
    "Really disappointing.",
)  # fmt: skip
_HAPPY_OPENINGS = (
    "Smooth flight", "Friendly crew", "Landed early", "Great seats", "Quick boarding", "Lovely morning flight",
)  # fmt: skip
_HAPPY_MIDDLES = (
    "and a helpful agent at the gate", "and the upgrade was a nice surprise",
    "and my bag was first on the belt", "and good coffee", "and I got some work done",
    "with a great view of the city",
)  # fmt: skip
_HAPPY_ENDINGS = (
    "Thank you!", "Love it.", "Well done.", "Great job.", "See you next week.",
)  # fmt: skip
_PLAIN = (
    "Which terminal do we leave from", "Can I change the name of my seat mate", "How many miles for a partner",
    "Is the lounge open", "Where do I find my receipt", "What is the weight of a cabin bag",
)  # fmt: skip
_PLAIN_ENDINGS = (
    "on Friday?", "tomorrow?", "for two?", "next month?", "this week?",
)  # fmt: skip


def unhappy(random: Random) -> str:
    """A complaint."""
    return _said(random, _UNHAPPY_OPENINGS, _UNHAPPY_MIDDLES, _UNHAPPY_ENDINGS)


def happy(random: Random) -> str:
    """A word of praise."""
    return _said(random, _HAPPY_OPENINGS, _HAPPY_MIDDLES, _HAPPY_ENDINGS)


def plain(random: Random) -> str:
    """A question that is neither."""
    return f"{random.choice(_PLAIN)} {random.choice(_PLAIN_ENDINGS)}"


def _said(random: Random, openings: tuple[str, ...], middles: tuple[str, ...], endings: tuple[str, ...]) -> str:
    return f"{random.choice(openings)} {random.choice(middles)}. {random.choice(endings)}"
