"""Rows for `net-growth`: which are written, and that nothing is sent once the worker stops."""

import asyncio
from types import SimpleNamespace
from typing import Any

from agents.net_growth import NetGrowthWriter
from config.settings import load as load_settings
from tests.unit.agents.test_company import EPOCH, START, flushed, gain, new_company, owner


class Sent:
    """In the place of the transport: what was sent through its barrier."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.barrier = SimpleNamespace(send=lambda source, topic, place, key, value: self.keys.append(key))


def writer() -> tuple[NetGrowthWriter, Sent]:
    company, tables, sent = new_company(), owner(EPOCH), Sent()
    gain(tables, START)
    asyncio.run(company.take_own(0, flushed(tables, 1, START)))
    company.advance(0)
    transport: Any = sent
    return NetGrowthWriter(transport, load_settings({"NETGROWTH_PARTITIONS": "1"}), company), sent


def test_a_row_is_written_when_it_has_changed() -> None:
    rows, sent = writer()
    asyncio.run(rows.write())
    assert {b"total/all", b"segment=A/1h", b"segment=A,region=north/24h"} <= set(sent.keys)
    assert len(sent.keys) == len(set(sent.keys))
    sent.keys.clear()
    asyncio.run(rows.write())
    assert sent.keys == []


def test_nothing_is_sent_once_the_worker_stops() -> None:
    for asked in range(4):
        rows, sent = writer()
        answers = iter([False] * asked + [True])
        before: list[int] = []

        def is_stopping(answers: Any = answers, sent: Sent = sent, before: list[int] = before) -> bool:
            before.append(len(sent.keys))
            return next(answers)

        asyncio.run(rows.write(is_stopping))
        assert len(before) == asked + 1
        assert len(sent.keys) == before[-1]
