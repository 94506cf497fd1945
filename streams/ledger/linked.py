"""Links between ids, for one partition: whose facts belong to another customer, and handing them over.

A link says that the customer under an id, the *alias*, is another one. It is kept where the alias lives. From then on
what comes for the alias goes on to that customer, which mostly lives in another partition, and so does what came
before: facts inside the horizon as facts, what is older as the state they were folded to (`streams.ledger.joining`).
A chain of links is followed hop by hop.

Everything here follows from the records of the partition, one after the other, whatever the batches they came in: a
worker that applies them again hands over the same again, in the same order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from streams.facts.models import Fact, Link
from streams.ledger.joining import OlderHistory, take_in, take_out
from streams.ledger.movements import Ignored
from streams.ledger.partition import PartitionLedger
from streams.ledger.remembered import NEVER
from streams.ledger.standing import id_of, version_of

MOST_FACTS = 1_000
"""Facts in one handover: it has to fit a record of Kafka."""

HANDED_OVER, TAKEN_BACK, LINKED = "handed_over", "taken_back", "linked"


class Handover(msgspec.Struct, omit_defaults=True):
    """What one partition tells another of a customer that lives there.

    Attributes:
        fact: handed over: these facts and the older history are of this customer; taken back: these facts, handed
            over before, are of another one after all; linked: a link of an alias that lives there.
        customer_id: who lives there.
        trail: the aliases that the facts have passed.
        at: of the link, microseconds.
    """

    fact: str
    customer_id: str
    trail: list[str] = []
    facts: list[Fact] = []
    older: OlderHistory | None = None
    at: int = 0
    link: Link | None = None


class _Word(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """What a link says of an alias; of two that disagree the first holds."""

    at: int
    event_id: str
    customer_id: str


class _Alias(msgspec.Struct, array_like=True):
    """What is known of an id.

    Attributes:
        words: by the silo whose id it is.
        foreign: silos whose facts were handed over to this id: they go where the id goes.
        given: facts handed on that a later word may take back.
        oldest: event time of the oldest that was handed on, NEVER of what had been folded; None: nothing was.
    """

    words: dict[str, _Word] = {}
    foreign: list[str] = []
    given: list[Fact] = []
    oldest: int | None = None

    def goes_to(self, silo: str) -> str | None:
        """Whose the facts of this silo under this id are; None: this id's own."""
        word = self.words.get(silo)
        if word is None and self.words and silo in self.foreign:
            word = min(self.words.values())
        return None if word is None else word.customer_id


class LinkedLedger:
    """The ledger of one partition, with the links of the ids that live there.

    Attributes:
        ledger: counts what belongs to customers of this partition.
        outgoing: what is to be told to other partitions, with the offset of the record that it follows from, since
            the caller last cleared it.
        changed: aliases that changed since the caller last cleared it, when it saved them.
    """

    def __init__(self, ledger: PartitionLedger, lives_here: Callable[[str], bool]) -> None:
        """`lives_here`: whether a customer id belongs to this partition."""
        self.ledger = ledger
        self.outgoing: list[tuple[int, Handover]] = []
        self.changed: set[str] = set()
        self._lives_here = lives_here
        self._aliases: dict[str, _Alias] = {}
        self._offset = 0
        self._forgotten_to = NEVER

    @property
    def has_links(self) -> bool:
        """Whether any id of this partition is linked, or was linked to."""
        return bool(self._aliases)

    @property
    def aliases(self) -> Iterable[str]:
        """Ids of which anything is known."""
        return self._aliases

    def customer_of(self, alias_id: str) -> str | None:
        """The customer that a record means which names this id and no silo; None: the id is no alias."""
        alias = self._aliases.get(alias_id)
        return None if alias is None or not alias.words else min(alias.words.values()).customer_id

    def apply(self, facts: Sequence[Fact], offsets: Iterable[int]) -> None:
        """Apply facts in their order of arrival; `offsets` of the records that gave them."""
        if not self._aliases:
            self.ledger.apply(facts)
            return
        own: list[Fact] = []
        for fact, offset in zip(facts, offsets, strict=True):
            alias = self._aliases.get(fact.customer_id)
            target = None if alias is None else alias.goes_to(fact.silo)
            if alias is None or target is None:
                own.append(fact)
                continue
            if own and self._lives_here(target):
                self.ledger.apply(own)
                own = []
            self._offset = offset
            if fact.at > self.ledger.watermark:
                self.ledger.watermark = fact.at
            self._keep_given(fact.customer_id, alias, [fact])
            self._hand(target, Handover(HANDED_OVER, target, [fact.customer_id], [fact]))
        if own:
            self.ledger.apply(own)

    def link(self, link: Link, offset: int) -> None:
        """Take in what a record says of two ids."""
        self._offset = offset
        self._link(link)

    def take(self, handover: Handover, offset: int) -> None:
        """Take in what another partition tells."""
        self._offset = offset
        self._take(handover)

    def pack(self, alias_id: str) -> bytes:
        """An alias as the changelog holds it; facts that nothing can take back any more are let go."""
        alias = self._aliases[alias_id]
        oldest = self._oldest()
        alias.given = [fact for fact in alias.given if fact.at >= oldest]
        return msgspec.msgpack.encode(alias)

    def forget(self) -> None:
        """Let go of facts that nothing can take back any more, once in the time of a horizon."""
        oldest = self._oldest()
        if oldest > self._forgotten_to + self.ledger.rules.horizon_us:
            self._forgotten_to = oldest
            for alias in self._aliases.values():
                alias.given = [fact for fact in alias.given if fact.at >= oldest]

    def restore(self, alias_id: str, packed: bytes) -> None:
        """Take over what `pack` gave. Raises: msgspec.MsgspecError."""
        self._aliases[alias_id] = msgspec.msgpack.decode(packed, type=_Alias)

    def knows(self, alias_id: str) -> bool:
        """Whether there is anything to pack."""
        return alias_id in self._aliases

    def _oldest(self) -> int:
        """The oldest instant inside the horizon."""
        return self.ledger.watermark - self.ledger.rules.horizon_us

    def _link(self, link: Link) -> None:
        alias_id = link.silo_id
        if alias_id == link.customer_id:
            return
        if not self._lives_here(alias_id):
            self.outgoing.append((self._offset, Handover(LINKED, alias_id, link=link)))
            return
        alias = self._aliases.setdefault(alias_id, _Alias())
        known, word = alias.words.get(link.silo), _Word(link.at, link.event_id, link.customer_id)
        if known is not None and known <= word:
            return
        concerned = {link.silo, *alias.foreign}
        before = {silo: alias.goes_to(silo) for silo in concerned}
        alias.words[link.silo] = word
        self.changed.add(alias_id)
        moves: dict[str, set[str]] = {}
        if known is not None and alias.oldest is not None and alias.oldest < self._oldest():
            self.ledger.counts.links_too_late += 1
        for silo in concerned:
            target = alias.goes_to(silo)
            if target is not None and target != before[silo]:
                moves.setdefault(target, set()).add(silo)
        for target in sorted(moves):
            self._move(alias_id, alias, moves[target], before, target, link.at)

    def _move(
        self, alias_id: str, alias: _Alias, silos: set[str], before: dict[str, str | None], target: str, at: int
    ) -> None:
        """What came of these silos so far goes to its customer; what went to another one is taken back."""
        oldest = self._oldest()
        given = [fact for fact in alias.given if fact.silo in silos and fact.at >= oldest]
        alias.given = [fact for fact in alias.given if fact.silo not in silos]
        for other in sorted({was for silo in silos if (was := before[silo]) is not None}):
            self._hand(other, Handover(TAKEN_BACK, other, facts=[f for f in given if before[f.silo] == other]))
        facts, older = take_out(self.ledger, alias_id, lambda fact: fact.silo in silos, with_base=True)
        facts = [*given, *facts]
        self._keep_given(alias_id, alias, facts, older)
        self._hand(target, Handover(HANDED_OVER, target, [alias_id], facts, older, at))

    def _keep_given(
        self, alias_id: str, alias: _Alias, facts: Sequence[Fact], older: OlderHistory | None = None
    ) -> None:
        first = min((fact.at for fact in facts), default=None) if older is None else NEVER
        if first is not None and (alias.oldest is None or first < alias.oldest):
            alias.oldest = first
            self.changed.add(alias_id)
        oldest = self._oldest()
        kept = [fact for fact in facts if fact.at >= oldest]
        if kept:
            alias.given.extend(kept)
            self.changed.add(alias_id)

    def _hand(self, target: str, handover: Handover) -> None:
        if not handover.facts and handover.older is None:
            return
        if self._lives_here(target):
            self._take(handover)
            return
        self.outgoing.extend((self._offset, piece) for piece in pieces_of(handover))

    def _take(self, handover: Handover) -> None:
        if handover.fact == LINKED:
            assert handover.link is not None
            self._link(handover.link)
        elif handover.fact == TAKEN_BACK:
            self._give_back(handover)
        else:
            self._receive(handover)

    def _receive(self, handover: Handover) -> None:
        customer_id = handover.customer_id
        alias = self._aliases.setdefault(customer_id, _Alias())
        news = {fact.silo for fact in handover.facts}.difference(alias.foreign)
        if news:
            alias.foreign = sorted({*alias.foreign, *news})
            self.changed.add(customer_id)
        onward: dict[str, list[Fact]] = {}
        own: list[Fact] = []
        for fact in handover.facts:
            target = alias.goes_to(fact.silo)
            if target is None or target in handover.trail:  # ids linked in a circle: it ends where it closes
                own.append(fact)
            else:
                onward.setdefault(target, []).append(fact)
        older = handover.older
        if older is not None:
            target = min(alias.words.values()).customer_id if alias.words else None
            if target is not None and target not in handover.trail:
                onward.setdefault(target, [])
            else:
                target = None
                take_in(self.ledger, customer_id, older, handover.at)
        else:
            target = None
        for other, facts in onward.items():
            goes_along = older if other == target else None
            self._keep_given(customer_id, alias, facts, goes_along)
            trail = [*handover.trail, customer_id]
            self._hand(other, Handover(HANDED_OVER, other, trail, facts, goes_along, handover.at))
        if own:
            # Copies: the ledger notes on a fact what became of it, and the alias keeps it as it was said.
            self.ledger.apply([msgspec.structs.replace(fact, customer_id=customer_id) for fact in own])

    def _give_back(self, handover: Handover) -> None:
        customer_id = handover.customer_id
        oldest = self._oldest()
        back = [fact for fact in handover.facts if fact.at >= oldest]  # what is older is what it was counted for
        named = {(id_of(fact), version_of(fact)) for fact in back}

        def is_named(fact: Fact) -> bool:
            return fact.at >= oldest and (id_of(fact), version_of(fact)) in named

        alias = self._aliases.get(customer_id)
        were_here = len(back)
        if alias is not None:
            onward: dict[str, list[Fact]] = {}
            for fact in alias.given:
                if is_named(fact):
                    onward.setdefault(alias.goes_to(fact.silo) or "", []).append(fact)
            alias.given = [fact for fact in alias.given if not is_named(fact)]
            for target, facts in onward.items():
                were_here -= len(facts)
                self.changed.add(customer_id)
                self._hand(target, Handover(TAKEN_BACK, target, facts=facts))
        taken, _ = take_out(self.ledger, customer_id, is_named, with_base=False)
        copies = were_here - len(taken)
        if copies > 0:  # they were handed over, too, and counted as what they are
            self.ledger.counts.facts -= copies
            self.ledger.counts.count_outcome(Ignored.DUPLICATE, -copies)


def pieces_of(handover: Handover) -> Iterator[Handover]:
    """The handover in pieces that each fit a record, in their order."""
    if len(handover.facts) <= MOST_FACTS:
        yield handover
        return
    for start in range(0, len(handover.facts), MOST_FACTS):
        yield msgspec.structs.replace(
            handover, facts=handover.facts[start : start + MOST_FACTS], older=None if start else handover.older
        )
