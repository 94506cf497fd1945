"""Tables whose cells are packed as early as possible, in all tests of properties."""

from collections.abc import Iterator

import pytest

from streams.ledger.rules import MINUTE
from streams.tables import buckets, merge, parts


@pytest.fixture(autouse=True, scope="package")
def packed_early() -> Iterator[None]:
    """Live they are packed after hours, or a thousand later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "MOST_OPEN", 2)
        patch.setattr(merge, "MOST_OPEN", 2)
        patch.setattr(parts, "UNTOUCHED_US", 10 * MINUTE)
        yield
