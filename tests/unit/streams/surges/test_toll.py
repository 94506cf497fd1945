"""What a surge has cost equals the sum of the losses in its scope and span."""

import random
from collections import Counter

import pytest

from streams.ledger.movements import Movement, MovementKind
from streams.ledger.rules import DAY, MINUTE
from streams.surges.series import series
from streams.surges.toll import toll
from streams.tables.tables import TableRules, Tables
from tests.unit.streams.surges.test_tables_counts import START, movements


@pytest.mark.parametrize("labels", [{}, {"segment": "SMB"}, {"region": "EMEA"}, {"product": "unknown"}])
@pytest.mark.parametrize("seed", range(4))
def test_the_losses_of_a_scope_and_span(labels: dict[str, str], seed: int) -> None:
    draw = random.Random(seed)
    tables, told = Tables(TableRules()), movements(seed)
    for movement in told:
        tables.add_movement(movement)
    start = START + draw.randrange(DAY // MINUTE) * MINUTE
    end = start + draw.randrange(1, DAY // MINUTE) * MINUTE

    def counts(one: Movement) -> bool:
        in_scope = all(getattr(one.scope, label) == value for label, value in labels.items())
        return one.kind == MovementKind.LOST and start <= one.at < end and in_scope

    wanted = [one for one in told if counts(one)]
    found = toll(tables.buckets, series("lost_value", **labels), start, end)
    assert (found.customers, found.value) == (len(wanted), sum(one.value for one in wanted))
    names = ("segment", "region", "product")
    given = {label: Counter(getattr(one.scope, label) for one in wanted) for label in names}
    assert found.parts == Counter({
        (label, value): count
        for label, counted in given.items() for value, count in counted.items()
        if label not in labels and value != "unknown"
    })  # fmt: skip
    assert found.reasons == Counter(one.reason for one in wanted)
