"""Scopes: the total, each segment, region and product, and segment x region."""

from streams.ledger.movements import Scope

ScopeKey = tuple[str, str, str]
"""(dimension, name, second name): ("total", "", ""), ("segment", "A", ""), ("segment_region", "A", "north")."""

TOTAL = 1
SEGMENT = 2
REGION = 4
PRODUCT = 8
SEGMENT_REGION = 16
"""Dimensions, as bits of a mask."""

MAIN = TOTAL | SEGMENT | REGION | PRODUCT
EVERY = MAIN | SEGMENT_REGION

THE_TOTAL: ScopeKey = ("total", "", "")
DIMENSIONS = (TOTAL, SEGMENT, REGION, PRODUCT, SEGMENT_REGION)
DIMENSION_OF = {
    "total": TOTAL, "segment": SEGMENT, "region": REGION, "product": PRODUCT, "segment_region": SEGMENT_REGION,
}  # fmt: skip
"""The bit of a scope's dimension, by its name."""


def scope_key(dimension: int, segment: str, region: str, product: str) -> ScopeKey:
    """The scope of a dimension in which a movement of this segment, region and product counts."""
    match dimension:
        case 1:
            return THE_TOTAL
        case 2:
            return ("segment", segment, "")
        case 4:
            return ("region", region, "")
        case 8:
            return ("product", product, "")
        case 16:
            return ("segment_region", segment, region)
    raise ValueError(f"no such dimension: {dimension}")


def scopes_of(segment: str, region: str, product: str, dimensions: int) -> tuple[ScopeKey, ...]:
    """Every scope in which a movement of this segment, region and product counts."""
    return tuple(scope_key(d, segment, region, product) for d in DIMENSIONS if d & dimensions)


def changed_dimensions(old: Scope, new: Scope) -> int:
    """Dimensions in which a transfer is one: never the total; segment x region when either changes."""
    mask = 0
    if old.segment != new.segment:
        mask |= SEGMENT | SEGMENT_REGION
    if old.region != new.region:
        mask |= REGION | SEGMENT_REGION
    if old.product != new.product:
        mask |= PRODUCT
    return mask
