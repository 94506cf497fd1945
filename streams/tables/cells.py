"""Cells: what one movement adds to the tables, as a few additive counts.

A cell is a flat key with [customers, value]. Plain cells mean the same in every window that holds their
bucket. Paired cells carry, beside their bucket (the end), the minutes at which something began, because what
they add to a window depends on where the window starts: a stay that ended, a membership that ended, a
recommendation that a later one follows.
"""

from collections.abc import Mapping, Sequence

import msgspec

from streams.compiled import piece
from streams.facts.models import UNKNOWN
from streams.ledger.movements import Movement, MovementKind, Stay
from streams.ledger.rules import DAY
from streams.tables.calendar import Calendar, minute_start
from streams.tables.scopes import EVERY, PRODUCT, REGION, SEGMENT, SEGMENT_REGION, TOTAL, changed_dimensions
from streams.tables.windows import BEGINNING

_sums = piece("streams.tables._sums")

Cell = tuple[int, str, str, str, str, str, str, tuple[int, ...]]
"""(code, segment, region, product, a, b, c, numbers)."""

OPENING = 1  # a: activity
NEW = 2  # a: activity, numbers: (earned,)
RETURNED = 3  # a: activity
LOST = 4  # a: reason, b: kind, numbers: (early,)
EXPANSION = 5
CONTRACTION = 6
TRANSFER = 7  # a, b, c: segment, region, product of the new scope
PENDING = 8  # a level, kept by differences
RECOMMENDED = 9  # customers: recommendations, value: customers recommended
COHORT = 10  # in no scope but the total; a: month, numbers: (what became of it,)

PAIRED = 20
GONE = 20  # a: activity, numbers: (minute of the gain,); the scope is that of the gain
FOLLOWED = 21  # numbers: (minute of the recommendation,); its own scope; a later one came in this bucket
STAY = 22  # value: as opened; numbers: STAY_NUMBERS, then minute and value of each step
"""Codes from PAIRED on are those of paired cells."""

HOW, ENDED, OPENED, TOTAL_FROM, SEGMENT_FROM, REGION_FROM, PRODUCT_FROM, STEPS = range(8)
"""Places among the numbers of a stay: how it ended, the dimensions in which it ended, those in which it
began with the opening, the minutes at which it began, the first step."""

BY_LOSS, BY_TRANSFER = 0, 1

JOINED, CAME_BACK, LOST_30, LOST_90, LOST_365, LOST_LATER = range(6)
"""What became of a customer of a cohort; a loss has the narrowest that holds, LOST_LATER also every second
loss."""

Measure = tuple[int, str, str, int]
"""(code, a, b, number): a cell as it counts in one scope. Of a transfer the number is OUT or IN, of a stay how
it ended."""

OUT, IN = 0, 1

Addition = tuple[Cell, int, int]

pack_cells = msgspec.msgpack.Encoder().encode
"""Cells with what is counted in them as bytes, a seventh of what they are in memory."""
unpack_cells = msgspec.msgpack.Decoder(list[Addition]).decode
"""The same back. Raises: msgspec.MsgspecError."""


PLAIN = {
    MovementKind.EXPANSION.value: EXPANSION,
    MovementKind.CONTRACTION.value: CONTRACTION,
    MovementKind.PENDING.value: PENDING,
}
"""Kinds that add to one cell and need nothing but their scope."""


def cells_of(movement: Movement, calendar: Calendar) -> list[Addition]:
    """The cells of a movement with what it adds to them; all of them in the bucket of `movement.at`."""
    segment, region, product = movement.scope.segment, movement.scope.region, movement.scope.product
    count, value, kind = movement.customers, movement.value, movement.kind
    plain = PLAIN.get(kind)
    if plain is not None:
        return [((plain, segment, region, product, "", "", "", ()), count, value)]
    cells: list[Addition] = []

    def add(code: int, a: str = "", b: str = "", c: str = "", numbers: tuple[int, ...] = ()) -> None:
        cells.append(((code, segment, region, product, a, b, c, numbers), count, value))

    match kind:
        case MovementKind.NEW:
            add(NEW, movement.activity or UNKNOWN, numbers=(int(movement.earned),))
            _cohort(cells, movement, JOINED, calendar)
        case MovementKind.LOST:
            add(LOST, movement.reason or UNKNOWN, movement.loss_kind, numbers=(int(movement.early),))
            _cohort(cells, movement, _loss_class(movement), calendar)
            if (gain := movement.membership) is not None:
                place, activity = gain.scope, gain.activity or UNKNOWN
                began = (minute_start(gain.at),)
                cells.append(((GONE, place.segment, place.region, place.product, activity, "", "", began), count, 0))
            if (stay := movement.stay) is not None:
                cells.append(_stay(movement, stay, BY_LOSS, EVERY))
        case MovementKind.RETURNED:
            add(RETURNED, movement.activity or UNKNOWN)
            _cohort(cells, movement, CAME_BACK, calendar)
        case MovementKind.OPENING:
            add(OPENING, movement.activity or UNKNOWN)
            _cohort(cells, movement, JOINED, calendar)
        case MovementKind.TRANSFER:
            if (to := movement.to) is None:
                raise ValueError("a transfer needs the scope it goes to")
            add(TRANSFER, to.segment, to.region, to.product)
            if (stay := movement.stay) is not None:
                cells.append(_stay(movement, stay, BY_TRANSFER, changed_dimensions(movement.scope, to)))
        case MovementKind.RECOMMENDED:
            cells.append(((RECOMMENDED, segment, region, product, "", "", "", ()), 1, movement.count))
            if (last := movement.previous) is not None:
                place, began = last.scope, (minute_start(last.at),)
                cells.append(((FOLLOWED, place.segment, place.region, place.product, "", "", "", began), 1, 0))
        case _:
            raise ValueError(f"no such kind of movement: {kind!r}")
    return cells


def settled(cell: Cell) -> Cell | None:
    """A paired cell without its instants: what remains to be known once no window but `all` holds it.

    None if nothing does. Plain cells stay as they are.
    """
    code, segment, region, product, a, b, c, numbers = cell
    if code < PAIRED:
        return cell
    if code == STAY:
        if not numbers[OPENED]:
            return None
        return (code, segment, region, product, a, b, c, (*numbers[:TOTAL_FROM], 0, 0, 0, 0))
    return (code, segment, region, product, a, b, c, (BEGINNING,))


def stay_start(numbers: tuple[int, ...], dimension: int) -> int:
    """Minute at which the stay began in a dimension."""
    match dimension:
        case 1:
            return numbers[TOTAL_FROM]
        case 2:
            return numbers[SEGMENT_FROM]
        case 4:
            return numbers[REGION_FROM]
        case 8:
            return numbers[PRODUCT_FROM]
    return max(numbers[SEGMENT_FROM], numbers[REGION_FROM])


def stay_value(numbers: tuple[int, ...], start: int) -> int:
    """Value that the customer of a stay held when the window began."""
    value = numbers[STEPS + 1]
    for place in range(STEPS, len(numbers), 2):
        if numbers[place] >= start:
            break
        value = numbers[place + 1]
    return value


def dependent_on_start(cells: Mapping[Cell, Sequence[int]], old: int, new: int) -> list[Addition]:
    """The paired cells that mean something else for a window that starts at `new` than at `old` < `new`."""
    if _sums is not None:
        found: list[Addition] = _sums.dependent_on_start(cells, old, new)
        return found
    return [
        (cell, customers, value)
        for cell, (customers, value) in cells.items()
        if any(old <= minute < new for minute in _minutes(cell))
    ]


def _minutes(cell: Cell) -> tuple[int, ...]:
    """The minutes on which it depends what a paired cell means for a window."""
    numbers = cell[7]
    return numbers[TOTAL_FROM:STEPS] + numbers[STEPS::2] if cell[0] == STAY else numbers[:1]


def _stay(movement: Movement, stay: Stay, how: int, ended: int) -> Addition:
    opened = 0
    if stay.opened_at is not None:
        began = (
            (TOTAL, stay.total_from),
            (SEGMENT, stay.segment_from),
            (REGION, stay.region_from),
            (PRODUCT, stay.product_from),
            (SEGMENT_REGION, max(stay.segment_from, stay.region_from)),
        )
        for dimension, start in began:
            if start == stay.opened_at:
                opened |= dimension
    numbers = [
        how,
        ended,
        opened & ended,
        minute_start(stay.total_from),
        minute_start(stay.segment_from),
        minute_start(stay.region_from),
        minute_start(stay.product_from),
    ]
    for at, value in stay.steps:
        minute = minute_start(at)
        # Windows start at minutes: of several steps in one minute only the last can be asked for, but the
        # first of all also stands for the time before it.
        if len(numbers) > STEPS + 2 and numbers[-2] == minute:
            numbers[-1] = value
        else:
            numbers += (minute, value)
    if len(numbers) == STEPS:
        numbers += (numbers[TOTAL_FROM], movement.value)
    place = movement.scope
    cell: Cell = (STAY, place.segment, place.region, place.product, "", "", "", tuple(numbers))
    return cell, movement.customers, movement.customers * stay.opened_value


def _loss_class(movement: Movement) -> int:
    if movement.cohort_at is None or not movement.first_loss:
        return LOST_LATER
    held = movement.at - movement.cohort_at
    if held <= 30 * DAY:
        return LOST_30
    if held <= 90 * DAY:
        return LOST_90
    return LOST_365 if held <= 365 * DAY else LOST_LATER


def _cohort(cells: list[Addition], movement: Movement, what: int, calendar: Calendar) -> None:
    if movement.cohort_at is not None:
        month = calendar.month_name(movement.cohort_at)
        cells.append(((COHORT, "", "", "", month, "", "", (what,)), movement.customers, 0))
