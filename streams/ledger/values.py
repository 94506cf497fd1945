"""Value that follows from spending: the sum of what a customer spent in a trailing span."""

from streams.facts.models import Fact
from streams.ledger.customer import CustomerState
from streams.ledger.rules import TrailingSpend


def record_amount(state: CustomerState, fact: Fact, model: TrailingSpend) -> None:
    """Remember an amount that the model names; amounts outside the span of this instant are let go."""
    if fact.amount is None or fact.kind not in model.fact_kinds:
        return
    begin = fact.at - model.span_us
    state.purchases = (*(p for p in state.purchases if p[0] > begin), (fact.at, fact.amount))


def trailing_value(state: CustomerState, at: int, model: TrailingSpend) -> int:
    """Expected value at a purchase: the sum over (at - span, at], in minor units, never below 0."""
    begin = at - model.span_us
    return max(0, sum(amount for when, amount in state.purchases if when > begin))
