import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from streams.facts.placement import partition_for, partitions_for


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 1000))
def test_keys_lie_where_the_kafka_client_puts_them(keys: list[bytes], partitions: int) -> None:
    assert partitions_for(keys, partitions) == [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]


@pytest.mark.parametrize(
    ("key", "hashed"),
    # The values of Kafka's own UtilsTest.testMurmur2.
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_hashes_of_apache_kafka_itself(key: bytes, hashed: int) -> None:
    assert partition_for(key, 0x7FFFFFFF) == (hashed & 0x7FFFFFFF) % 0x7FFFFFFF
