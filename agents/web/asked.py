"""What a query of the API asks for, read from its parameters: window, instant, scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.tables.scopes import THE_TOTAL, ScopeKey
from streams.tables.windows import WINDOW_NAMES

SCOPE_PARAMETERS = ("segment", "region", "product")


class WrongQuery(ValueError):
    """A parameter that cannot be used; the text names it and what there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One window of one scope, at an instant (microseconds) or now."""

    window: str
    scope: ScopeKey
    at: int | None

    @property
    def named(self) -> dict[str, str]:
        """The scope as parameters."""
        dimension, first, second = self.scope
        if dimension == "segment_region":
            return {"segment": first, "region": second}
        return {} if dimension == "total" else {dimension: first}


def asked(query: Mapping[str, str], default_window: str = "all") -> Asked:
    """What is asked for.

    Raises: WrongQuery.
    """
    window = query.get("window", default_window)
    if window not in WINDOW_NAMES:
        raise WrongQuery(f"no window {window!r}; there are {', '.join(WINDOW_NAMES)}")
    at: int | None = None
    if "at" in query:
        try:
            at = instant_of(query["at"], None, "at")
        except Refused as error:
            raise WrongQuery(str(error)) from error
    return Asked(window, scope_asked(query), at)


def scope_asked(query: Mapping[str, Any]) -> ScopeKey:
    """The scope that segment, region or product name, or segment and region together; none of them: the total.

    Raises: WrongQuery for other pairs: the tables are not kept by them.
    """
    given = {name: query[name] for name in SCOPE_PARAMETERS if name in query}
    if not given:
        return THE_TOTAL
    if given.keys() == {"segment", "region"}:
        return ("segment_region", given["segment"], given["region"])
    if len(given) > 1:
        raise WrongQuery(
            f"{' and '.join(given)} together are no scope; there are segment, region, product, and segment with "
            "region"
        )
    [(name, value)] = given.items()
    return (name, value, "")
