"""The compiled booking of movements into cells (`_cells.c`), prepared for the types of movements.

Movements whose minute is still kept are booked in C, older ones by `PartitionTables.add`. `cells.py` defines what
both do.
"""

from typing import Any

from streams.compiled import piece
from streams.ledger.movements import Change, Membership, Movement, Recommendation, Scope, Stay

_piece = piece("streams.tables._cells")
if _piece is not None:
    try:
        _piece.prepare(Movement, Change, Scope, Membership, Stay, Recommendation)
    except TypeError:  # another msgspec that lays its fields out otherwise
        _piece = None


def booking(tables: Any) -> Any:
    """The compiled way to book into these tables; None where there is none."""
    return None if _piece is None else _piece.Booking(tables)
