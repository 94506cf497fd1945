"""Pseudonyms: stable under one key, of another customer or under another key different."""

import re

from streams.drilldown.pseudonyms import Pseudonyms


def test_they_are_those_of_the_key() -> None:
    # HMAC-SHA-256, RFC 4231, test case 2: 5b dc c1 46 bf 60 75 4e ... in base32.
    assert Pseudonyms(b"Jefe").of("what do ya want for nothing?") == "lpomcrv7mb2u"
    one, other = Pseudonyms(b"one"), Pseudonyms(b"other")
    names = {made.of(f"customer-{number}") for made in (one, other) for number in range(5000)}
    assert len(names) == 10_000
    assert all(re.fullmatch("[a-z2-7]{12}", name) for name in names)
