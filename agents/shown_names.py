"""How customers are named to whoever asks: by pseudonym, unless the operator allows the company's own ids."""

import secrets
from collections import OrderedDict

from config.settings import Settings
from streams.drilldown.pseudonyms import Pseudonyms

KEPT = 100_000
"""Pseudonyms shown lately, whose customers are found without reading all."""


class ShownNames:
    """Names of customers.

    Attributes:
        are_ids: names are the company's own ids.
    """

    def __init__(self, settings: Settings) -> None:
        self.are_ids = settings.customer_ids == "real"
        key = settings.pseudonym_key
        self._pseudonyms = Pseudonyms(secrets.token_bytes(32) if key is None else key.encode())
        self._shown: OrderedDict[str, str] = OrderedDict()

    def of(self, customer_id: str) -> str:
        """The name of a customer, which is remembered."""
        if self.are_ids:
            return customer_id
        name = self._pseudonyms.of(customer_id)
        self._shown[name] = customer_id
        if len(self._shown) > KEPT:
            self._shown.popitem(last=False)
        return name

    def id_of(self, name: str) -> str | None:
        """The customer of a name; None: the name was not shown of late (`is_of` tells)."""
        return name if self.are_ids else self._shown.get(name)

    def is_of(self, name: str, customer_id: str) -> bool:
        """Whether this is the customer's name."""
        return (customer_id if self.are_ids else self._pseudonyms.of(customer_id)) == name
