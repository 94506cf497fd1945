"""Which partition a key belongs to: murmur2 as Java's Kafka clients compute it, over many keys at once.

One key costs some 10 us in plain Python, which would be the dearest step of reading a record. So the keys of a batch
that are equally long are hashed together. Source: `org.apache.kafka.common.utils.Utils.murmur2`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streams.compiled import piece
from streams.facts.models import RawRecord, RejectReason
from streams.facts.refusal import Refused

_quick = piece("streams.facts._quick")

_SEED = 0x9747B28C
_M = np.uint32(0x5BD1E995)
_R = np.uint32(24)


def partition_for(key: bytes, partitions: int) -> int:
    """Where Java's default partitioner puts a record with this key."""
    if _quick is not None:
        found: int = _quick.partition_of(key, partitions)
        return found
    return partitions_for([key], partitions)[0]


def partitions_for(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Where Java's default partitioner puts each of these keys."""
    if _quick is not None:
        return [_quick.partition_of(key, partitions) for key in keys]
    by_length: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        by_length.setdefault(len(key), []).append(place)
    if len(by_length) == 1:
        return _positive(_murmur2(keys, len(keys[0])), partitions)
    found = [0] * len(keys)
    for length, places in by_length.items():
        hashes = _murmur2([keys[place] for place in places], length)
        for place, partition in zip(places, _positive(hashes, partitions), strict=True):
            found[place] = partition
    return found


def _positive(hashes: npt.NDArray[np.uint32], partitions: int) -> list[int]:
    places: list[int] = ((hashes & np.uint32(0x7FFFFFFF)) % np.uint32(partitions)).tolist()
    return places


def _murmur2(keys: Sequence[bytes], length: int) -> npt.NDArray[np.uint32]:
    """Hashes of keys of one length. Unsigned numpy integers wrap around, as Java's do."""
    hashes = np.full(len(keys), (_SEED ^ length) & 0xFFFFFFFF, dtype=np.uint32)
    text = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), length)
    whole = length // 4
    words = np.ascontiguousarray(text[:, : whole * 4]).view("<u4") if whole else None
    for column in range(whole):
        assert words is not None
        word = words[:, column] * _M
        word ^= word >> _R
        word *= _M
        hashes *= _M
        hashes ^= word
    tail = text[:, whole * 4 :].astype(np.uint32)
    if tail.shape[1]:
        for column in range(tail.shape[1]):
            hashes ^= tail[:, column] << np.uint32(8 * column)
        hashes *= _M
    hashes ^= hashes >> np.uint32(13)
    hashes *= _M
    hashes ^= hashes >> np.uint32(15)
    return hashes


def check_place(record: RawRecord, customer_id: str, key_place: int, partitions: int | None) -> None:
    """A customer in another partition than its own would be counted twice.

    Args:
        key_place: where the record's key belongs.
        partitions: of the topic; None: places are not checked.

    Raises: Refused.
    """
    if partitions is None:
        return
    own = customer_id.encode()
    belongs = key_place if record.key == own else partition_for(own, partitions)
    if belongs != record.partition:
        raise Refused(
            RejectReason.WRONG_PARTITION,
            f"the customer belongs to partition {belongs} of {partitions}; "
            "the producer must place keys by murmur2, as Java's clients do",
        )
