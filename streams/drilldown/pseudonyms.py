"""Pseudonyms of customers: the same customer has the same one, and nobody without the key can tell whose it is."""

import base64
import hmac

LENGTH = 12
"""Letters: 60 bits, so that two of a million customers share one once in two million such companies."""


class Pseudonyms:
    """Keyed by a secret (RFC 2104, HMAC with SHA-256)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, customer_id: str) -> str:
        """The pseudonym of a customer: twelve lower-case letters and digits."""
        digest = hmac.digest(self._key, customer_id.encode(), "sha256")
        return base64.b32encode(digest[:10]).decode().lower()[:LENGTH]
