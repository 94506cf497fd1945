"""Value and profile of one customer, and whose word holds for each: the precedence of silos."""

from typing import Any

from .facts import UNKNOWN, Fact

PROFILE = ("segment", "region", "product")
FIELDS = ("value", *PROFILE)


class Held:
    """What is held of a customer, also while lost."""

    def __init__(self, precedence: list[str]) -> None:
        self.precedence = precedence
        self.words: dict[str, Any] = {"value": 0, "segment": UNKNOWN, "region": UNKNOWN, "product": UNKNOWN}
        self.holder: dict[str, int] = {}
        """Field -> rank of the silo whose word holds; absent: no silo spoke yet."""

    @property
    def value(self) -> int:
        """Expected value, minor units."""
        return self.words["value"]

    @property
    def scope(self) -> tuple[str, str, str]:
        """Segment, region, product."""
        return (self.words["segment"], self.words["region"], self.words["product"])

    def rank(self, silo: str) -> int:
        """0 the highest; silos that are not listed are equal, below the others."""
        return self.precedence.index(silo) if silo in self.precedence else len(self.precedence)

    def spoken(self, fact: Fact) -> dict[str, Any]:
        """The fields that a fact has."""
        return {name: getattr(fact, name) for name in FIELDS if getattr(fact, name) is not None}

    def remaining(self, fact: Fact) -> dict[str, Any]:
        """The fields of a fact that no higher silo's word keeps out."""
        rank = self.rank(fact.silo)
        return {name: word for name, word in self.spoken(fact).items() if rank <= self.holder.get(name, rank)}

    def take_profile(self, fact: Fact) -> None:
        """Take the profile fields that remain of a fact."""
        for name, word in self.remaining(fact).items():
            if name != "value":
                self.words[name], self.holder[name] = word, self.rank(fact.silo)

    def take_value(self, fact: Fact, trailing: int | None) -> None:
        """Take the value that remains of a fact, or what trailing spend says: that is no silo's word."""
        if trailing is not None:
            self.words["value"] = trailing
        elif "value" in self.remaining(fact):
            self.words["value"], self.holder["value"] = fact.value, self.rank(fact.silo)
