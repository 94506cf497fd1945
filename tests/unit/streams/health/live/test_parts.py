"""Latencies as parts hold them."""

import msgspec
import numpy as np
import pytest

from streams.health.live.parts import WindowsPart, pack_latencies, unpack_latencies


@pytest.mark.parametrize("most", [1, (1 << 32) - 1, 1 << 32, 1 << 40])
def test_latencies_come_back_however_many_interactions_there_are(most: int) -> None:
    columns = np.array([0, 7, 999]), np.array([-(1 << 30), 0, 1_900]), np.array([1, 2, most])
    packed = pack_latencies(*columns)
    assert [one.tolist() for one in unpack_latencies(packed)] == [one.tolist() for one in columns]
    part = WindowsPart([("gold", "north")], {"1h": b""}, {"1h": packed})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=WindowsPart) == part


def test_no_latencies_are_no_rows() -> None:
    none = np.empty(0, dtype=np.int64)
    assert [len(one) for one in unpack_latencies(pack_latencies(none, none, none))] == [0, 0, 0]
