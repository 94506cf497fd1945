"""One line of a list of customers, as the API, the board and the command show it."""

from typing import Any

from agents.shown_names import ShownNames
from agents.troubled_customers import Trouble
from streams.drilldown.levels import Standing
from streams.drilldown.numbers import Number
from streams.facts.models import UNKNOWN
from streams.ledger.movement_lines import MovementLine
from streams.tables.calendar import utc_text
from streams.voice.mentions import EXAMPLE_CHARACTERS, Mention

Line = dict[str, Any]


class CustomerLines:
    """Customers by the names that this worker shows: pseudonyms, or the company's own ids."""

    def __init__(self, names: ShownNames) -> None:
        self._names = names

    def movement(self, of: MovementLine) -> Line:
        """What became of a customer, and the fact that said so."""
        line: Line = {
            "customer": self._names.of(of.customer_id), "what": of.kind, "at": utc_text(of.at_us),
            "segment": of.segment, "region": of.region, "product": of.product, "value": of.value,
            "fact": self._fact(of.cause),
        }  # fmt: skip
        if of.reason:
            line |= {"reason": of.reason, "kind": of.loss_kind, "early": of.early}
        if of.activity:
            line["activity"] = of.activity
        if of.to is not None:
            line["to"] = {"segment": of.to.segment, "region": of.to.region, "product": of.to.product}
        return line

    def trouble(self, of: Trouble) -> Line:
        """A customer who is disrupted now, and where."""
        line: Line = {
            "customer": self._names.of(of.customer_id), "what": "disrupted", "at": of.since, "segment": of.segment,
            "region": of.region, "product": UNKNOWN,
            "places": [{"service": one.service, "stage": one.stage, "since": one.since} for one in of.disrupted],
        }  # fmt: skip
        return line if of.value is None else line | {"value": of.value}

    def standing(self, number: Number, of: Standing) -> Line:
        """A customer who is here now, or about to leave."""
        how = "opening" if of.opened_at == of.since else "customer since"
        line: Line = {
            "customer": self._names.of(of.customer_id), "what": how,
            "at": utc_text(of.since), "segment": of.scope.segment, "region": of.scope.region,
            "product": of.scope.product, "value": of.value, "activity": of.activity,
        }  # fmt: skip
        if number.measure == "pending_loss":
            line |= {"what": "about to leave", "fact": {"silo": of.pending_silo}}
            if of.leaves_at is not None:
                line["at"] = utc_text(of.leaves_at)
        return line

    def mention(self, of: Mention) -> Line:
        """What was said; its words are personal data, shown where the company's own ids are."""
        line: Line = {"at": utc_text(of.at), "channel": of.channel, "brand": of.brand, "topics": list(of.topics)}
        if of.sentiment is not None:
            line["sentiment"] = of.sentiment
        if self._names.are_ids and of.text:
            line["text"] = of.text[:EXAMPLE_CHARACTERS]
        return line

    def _fact(self, cause: tuple[str, str, int] | None) -> Line:
        """What put the customer there: the silo's fact, or the clock. Its id may name the customer, as ids do."""
        if cause is None:
            return {"clock": True}
        return {"silo": cause[0]} | ({"event_id": cause[1]} if self._names.are_ids else {})
