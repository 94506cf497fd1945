"""Reconciliation: the running tables against a recount, scope by scope and field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

NOT_COMPARED = frozenset({"definitions", "until", "currency"})
"""What says under which terms was counted rather than what came out; the caller compares these first."""

LINE_NAMES = {"reasons": "reason", "activities": "activity", "cohorts": "month", "periods": "start"}
"""Lists of lines, and the field that names a line: their order follows from their numbers."""

GROUPS = {"segments": "segment", "regions": "region", "products": "product", "windows": "window"}


def differences(running: Mapping[str, Any], recounted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every field in which two ledger documents differ, in the shape of `reconcile`.

    `scope` is as `total`, `segment:A`, `segment_region:A/north`, `window:1h`, `cohort:2011-05`, `period:START` or
    `accounting`; `field` as `lost.customers`, `reasons.price.value` or `before.net.value`. A number that one side
    does not have is None there. `records` is empty: the caller knows where the facts lie.
    """
    found = []
    for scope, one, other in _scopes(running, recounted):
        for field, here, there in _fields("", one, other):
            found.append({"scope": scope, "field": field, "running": here, "recounted": there, "records": []})
    return found


def _scopes(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in _names(one, other):
        mine, theirs = one.get(name), other.get(name)
        if name in NOT_COMPARED:
            continue
        if name in GROUPS:
            for key in _names(mine, theirs):
                yield f"{GROUPS[name]}:{key}", _of(mine, key), _of(theirs, key)
        elif name == "segment_regions":
            for segment in _names(mine, theirs):
                here, there = _of(mine, segment), _of(theirs, segment)
                for region in _names(here, there):
                    yield f"segment_region:{segment}/{region}", _of(here, region), _of(there, region)
        elif name in ("cohorts", "periods"):
            here, there = _by_name(mine, LINE_NAMES[name]), _by_name(theirs, LINE_NAMES[name])
            for key in _names(here, there):
                yield f"{name[:-1]}:{key}", here.get(key), there.get(key)
        else:
            yield name, mine, theirs


def _fields(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        for name in _names(one, other):
            here, there = _of(one, name), _of(other, name)
            if name in LINE_NAMES:
                here, there = _by_name(here, LINE_NAMES[name]), _by_name(there, LINE_NAMES[name])
            yield from _fields(f"{path}.{name}" if path else name, here, there)
    elif one != other:
        yield path, one, other


def _names(one: Any, other: Any) -> list[str]:
    both = [*(one if isinstance(one, Mapping) else ()), *(other if isinstance(other, Mapping) else ())]
    return list(dict.fromkeys(both))


def _of(group: Any, name: str) -> Any:
    return group.get(name) if isinstance(group, Mapping) else None


def _by_name(lines: Any, name: str) -> dict[str, Any]:
    return {line[name]: {k: v for k, v in line.items() if k != name} for line in lines or ()}
