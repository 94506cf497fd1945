"""At start: are `streams`, `agents` and `config` really this program's own?

These are everyday names; another distribution, or a folder of that name where the command was started,
may stand in front of ours.
"""

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

OWN_NAMES = ("streams", "agents", "config")
HOME = Path(__file__).resolve().parents[1]
"""The folder out of which this very file was imported; the other rooms lie beside it."""


class ForeignPackage(Exception):
    """Another package has one of our names; the text says which and what to do."""


def check_own_names(
    home: Path = HOME, find: Callable[[str], ModuleSpec | None] = importlib.util.find_spec
) -> None:
    """Raise ForeignPackage unless every name leads to a folder in `home`."""
    for name in OWN_NAMES:
        spec = find(name)
        wanted = home / name
        places = [] if spec is None else [Path(place).resolve() for place in spec.submodule_search_locations or []]
        if places and places[0] == wanted:
            continue
        found = places[0] if places else (spec.origin if spec is not None else None)
        raise ForeignPackage(
            f"the package `{name}` is not netgrowth's own: "
            + (f"it comes from {found}, not from {wanted}" if found else f"it is missing in {home}")
            + ". netgrowth is an application and wants an environment of its own: install it with "
            "`pipx install .` in the folder of its sources, or into a fresh virtual environment, unset PYTHONPATH, "
            f"and do not start it in a folder that has a `{name}` of its own"
        )
