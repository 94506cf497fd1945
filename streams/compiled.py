"""Compiled pieces of the hot path, where they are built and agree with this source; the Python code everywhere else.

A compiled piece does what a named piece of Python code does, faster. That code is its definition, and is what runs
where no C compiler was at hand when netgrowth was installed. `NETGROWTH_COMPILED=0` in the environment leaves all of
them out: the one thing that this room asks of it, since it is answered while modules are imported.
"""

import importlib
import os
import warnings
from types import ModuleType

VERSION = 5
"""Raised with every change to what the compiled pieces and their callers agree on: older builds are left out."""


def piece(name: str) -> ModuleType | None:
    """The compiled module of this full name; None: not built, of another version, or not wanted."""
    if os.environ.get("NETGROWTH_COMPILED", "1") == "0":
        return None
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    if module.VERSION != VERSION:
        warnings.warn(f"{name} was built from other sources and is left out; install netgrowth again", stacklevel=2)
        return None
    return module
