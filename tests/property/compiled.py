"""When tests of the compiled pieces are left out: where none are wanted or could be built, never in CI."""

import os

import pytest


def without_compiled_pieces(missing: bool) -> pytest.MarkDecorator:
    """A mark for a module; `missing`: its piece is not there."""
    unwanted = os.environ.get("NETGROWTH_COMPILED") == "0"
    in_ci = os.environ.get("CI") == "true"
    return pytest.mark.skipif(unwanted or (missing and not in_ci), reason="no compiled piece is built")
