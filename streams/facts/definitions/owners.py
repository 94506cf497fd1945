"""Reading `alerts.owners`: who answers for which customers, and where one of them is found."""

from dataclasses import dataclass

from streams.facts.definitions.own_series import read_where
from streams.facts.definitions.reader import Faults, as_section, items_of, read_text
from streams.facts.definitions.tree import Tree

CUSTOMER = "{customer}"
"""Stands in an address for a customer's name."""

LABELS = ("segment", "region", "product")


@dataclass(frozen=True, slots=True)
class CustomerOwner:
    """Someone who answers for customers.

    Attributes:
        name: told as the label `owner` of the tickets.
        where: the customers, by segment, region or product to the values of which one must be there.
        email: where the owner's tickets go; None: where all others go.
    """

    name: str
    where: tuple[tuple[str, frozenset[str]], ...]
    email: str | None = None

    def owns(self, labels: tuple[str, str, str]) -> bool:
        """Whether a customer of this segment, region and product is one of the owner's."""
        return all(labels[LABELS.index(label)] in values for label, values in self.where)


def read_owners(tree: Tree, path: str, faults: Faults) -> tuple[CustomerOwner, ...]:
    """The owners, in the order in which they are tried: a customer is the first one's whose conditions hold."""
    found: list[CustomerOwner] = []
    for item, at in items_of(tree, path, faults, path):
        section = as_section(item, at, faults, "an owner")
        if section is None:
            continue
        name = section.text("name", "name the owner")
        where = section.need("where", "say whose customers they are: `where: {segment: Enterprise}`")
        email = section.optional("email", _read_email)
        section.close()
        if any(other.name == name for other in found):
            faults.add(item, at, f"two owners are named `{name}`", "give each its own name")
        elif where is not None:
            found.append(CustomerOwner(name, read_where(where, section.at("where"), LABELS, faults), email))
    return tuple(found)


def read_customer_link(tree: Tree, path: str, faults: Faults) -> str | None:
    """An address in which `{customer}` stands for the customer's name."""
    text = read_text(tree, path, faults)
    if text is None:
        return None
    is_address = text.startswith(("http://", "https://")) and not set("\"' ") & set(text)
    if not is_address or text.count(CUSTOMER) != 1 or set("{}") & set(text.replace(CUSTOMER, "")):
        faults.add(
            tree, path, f"this is no address in which {CUSTOMER} stands once for the customer",
            f"write for example https://crm.example.com/customers/{CUSTOMER}",
        )  # fmt: skip
        return None
    return text


def _read_email(tree: Tree, path: str, faults: Faults) -> str | None:
    text = read_text(tree, path, faults)
    if text is None:
        return None
    before, _, behind = text.partition("@")
    if not before or not behind or set("\"'{}<>,; ") & set(text):
        faults.add(tree, path, "this is no e-mail address", "write for example ann@example.com")
        return None
    return text
