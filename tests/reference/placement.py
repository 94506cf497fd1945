"""Which partition a key belongs to: murmur2 as Java's producer computes it, written from its definition."""

MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """32-bit murmur2 with Kafka's seed. Source: Appleby, MurmurHash2; org.apache.kafka Utils.murmur2."""
    h = (0x9747B28C ^ len(data)) & MASK
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little")
        k = k * 0x5BD1E995 & MASK
        k ^= k >> 24
        k = k * 0x5BD1E995 & MASK
        h = (h * 0x5BD1E995 & MASK) ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = h * 0x5BD1E995 & MASK
    h ^= h >> 13
    h = h * 0x5BD1E995 & MASK
    return h ^ (h >> 15)


def partition_of(key: str, partitions: int) -> int:
    """Partition of a customer id among `partitions`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
