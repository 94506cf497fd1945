"""What differs between two definitions, section by section, so that each difference can be tried alone.

A section is a part of the agreement that people would name: the value model, the lapse, one rule of one silo. The old
definitions with one section of the new ones tell which of them a changed number comes from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from streams.facts.definitions.model import Definitions, Rule, Silo

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("value model", ("value_model",)),
    ("rates", ("rates",)),
    ("lapse", ("lapse",)),
    ("grouping window", ("grouping_us",)),
    ("same departure", ("same_departure_us",)),
    ("horizon", ("horizon_us",)),
    ("precedence", ("precedence",)),
    ("reasons", ("reasons", "reasons_open")),
    ("activities", ("activities", "activities_open")),
    ("segments", ("segments",)),
    ("time zone", ("time_zone",)),
    ("which silo a record is of", ("silo_field", "native_silo")),
    ("early loss", ("early_within_us",)),
    ("future skew", ("future_skew_us",)),
    ("customers per marble", ("customers_per_marble",)),
)
"""Name of a section, and the fields of the definitions that make it up. The silos follow, rule by rule."""

MONEY = ("currency", ("currency", "rates", "value_model"))
"""What changes as one when the currency does: amounts without rates into it could not be admitted."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section that differs: its name, and the old definitions with this section of the new ones."""

    name: str
    applied: Definitions


def changed_sections(old: Definitions, new: Definitions) -> list[Section]:
    """Every section in which the two differ; names, versions and who agreed are none."""
    found = []
    sections = SECTIONS if old.currency == new.currency else (MONEY, *SECTIONS[2:])
    for name, members in sections:
        if any(_meaning(old, member) != _meaning(new, member) for member in members):
            found.append(Section(name, replace(old, **{member: getattr(new, member) for member in members})))
    found += [Section(name, replace(old, silos=silos)) for name, silos in _changed_silos(old.silos, new.silos)]
    return found


def _meaning(definitions: Definitions, member: str) -> object:
    """What a field says; another version of the same value model says the same."""
    value = getattr(definitions, member)
    return replace(value, version="") if member == "value_model" else value


Silos = dict[str, Silo]


def _changed_silos(old: Silos, new: Silos) -> Iterator[tuple[str, Silos]]:
    if [name for name in old if name in new] != [name for name in new if name in old]:
        # The first silo that takes a record has it: with another order there is no telling them apart.
        yield "silos", new
        return
    for name in new:
        if name not in old:
            yield f"silo {name}, added", _inserted(old, name, new)
    for name, silo in old.items():
        if name not in new:
            yield f"silo {name}, removed", {other: old[other] for other in old if other != name}
        elif silo != new[name]:
            for what, variant in _changed_parts(silo, new[name]):
                yield f"silo {name}, {what}", old | {name: variant}


def _inserted(old: Silos, name: str, new: Silos) -> Silos:
    """The old silos with one more, behind those that stand before it in the new ones."""
    before = list(new)[: list(new).index(name)]
    place = max((number + 1 for number, other in enumerate(old) if other in before), default=0)
    items = [*old.items()]
    return dict([*items[:place], (name, new[name]), *items[place:]])


def _changed_parts(old: Silo, new: Silo) -> Iterator[tuple[str, Silo]]:
    rest = replace(new, rules=old.rules)
    if rest != old:
        names = [one.name for one in fields(Silo) if getattr(rest, one.name) != getattr(old, one.name)]
        yield f"{', '.join(names)}", rest
    if old.rules == new.rules:
        return
    if [rule.name for rule in old.rules] != [rule.name for rule in new.rules]:
        yield f"rules ({_named_differences(old.rules, new.rules)})", replace(old, rules=new.rules)
        return
    for place, (before, after) in enumerate(zip(old.rules, new.rules, strict=True)):
        if before != after:
            rules = (*old.rules[:place], after, *old.rules[place + 1 :])
            yield f"rule {after.name}", replace(old, rules=rules)


def _named_differences(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> str:
    before, after = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    said = [f"{name} removed" for name in before if name not in after]
    said += [f"{name} added" for name in after if name not in before]
    said += [f"{name} changed" for name in after if name in before and before[name] != after[name]]
    return ", ".join(said) or "in another order"
