"""The customer math as a slow, obviously right reference: sort, then fold. It imports nothing of ours."""

from .ledger import Reference, fold_customer, reference_ledger
from .placement import partition_of

__all__ = ["Reference", "fold_customer", "partition_of", "reference_ledger"]
