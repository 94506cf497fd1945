"""Texts of a record that become ids or labels: checked for length and characters, mapped onto the agreed lists."""

from streams.facts.definitions.model import Definitions, Linked, linked_id
from streams.facts.models import UNKNOWN, LossKind, RejectReason
from streams.facts.refusal import Refused, shown

MAX_TEXT = 256
"""Characters of an id or label."""

_KEPT = 65_536


def is_sound(text: str) -> bool:
    """Whether a text may be an id or label: not too long, and without control characters."""
    if len(text) > MAX_TEXT:
        return False
    # isprintable also turns down blanks such as U+00A0, which are no control characters.
    return text.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)


def check_id(text: str, name: str) -> str:
    """An id.

    Raises: Refused (missing_field, bad_value).
    """
    if not text:
        raise Refused(RejectReason.MISSING_FIELD, f"{name} is empty")
    if len(text) > MAX_TEXT or not (text.isprintable() or is_sound(text)):
        raise Refused(RejectReason.BAD_VALUE, f"{name} is longer than {MAX_TEXT} or holds control characters")
    return text


class Labels:
    """Labels, reasons and activities under one definitions file.

    Attributes:
        known: every label seen lately, as one shared text; None and the empty text are silence.
    """

    def __init__(self, definitions: Definitions) -> None:
        self.known: dict[str | None, str | None] = {None: None, "": None}
        self._reason_words = definitions.reason_by_word
        self._reasons_open = definitions.reasons_open
        self._activity_words = definitions.activity_by_word
        self._activities_open = definitions.activities_open
        self._linked = frozenset(
            name for name, silo in definitions.silos.items() if isinstance(silo.customer_id, Linked)
        )
        self._activities: dict[str | None, tuple[str | None, bool]] = {None: (None, False), "": (None, False)}

    def label(self, text: str | None, name: str) -> str | None:
        """A label as it is; None when the source is silent.

        Raises: Refused (bad_value).
        """
        if text is None or text == "":
            return None
        found = self.known.get(text)
        if found is None:
            if not is_sound(text):
                message = f"{name} is {shown(text)}: longer than {MAX_TEXT}, or with control characters"
                raise Refused(RejectReason.BAD_VALUE, message)
            if len(self.known) >= _KEPT:
                self.known.clear()
                self.known.update({None: None, "": None})
            found = self.known[text] = text
        return found

    def company_id(self, silo: str, silo_id: str) -> str:
        """The customer id in the ledger of an id in records of this silo."""
        return linked_id(silo, silo_id) if silo in self._linked else silo_id

    def silo_id(self, silo: str, customer_id: str) -> str:
        """The id in records of this silo that is this customer id in the ledger."""
        return customer_id.removeprefix(linked_id(silo, "")) if silo in self._linked else customer_id

    def activity(self, text: str | None) -> tuple[str | None, bool]:
        """The agreed activity that a word stands for, and whether it is earned.

        Raises: Refused (bad_value).
        """
        found = self._activities.get(text)
        if found is None:
            assert text is not None
            label = self.label(text, "activity")
            agreed = self._activity_words.get(text)
            if agreed is not None:
                found = agreed.name, agreed.earned
            else:
                found = (label if self._activities_open else UNKNOWN), False
            if len(self._activities) >= _KEPT:
                self._activities.clear()
                self._activities.update({None: (None, False), "": (None, False)})
            self._activities[text] = found
        return found

    def reason(self, text: str | None, stated_kind: str | None) -> tuple[str | None, str | None]:
        """The agreed reason that a word stands for, and the kind of loss.

        `unknown` is a reason that was stated and is not on the list; None, None: nothing was stated.

        Raises: Refused (bad_value).
        """
        label = self.label(text, "reason")
        if label is None:
            return None, stated_kind
        agreed = self._reason_words.get(label)
        if agreed is None:
            return (label if self._reasons_open else UNKNOWN), stated_kind
        if agreed.kind is LossKind.BEYOND_US:
            return agreed.name, LossKind.BEYOND_US.value
        return agreed.name, stated_kind or agreed.kind.value
