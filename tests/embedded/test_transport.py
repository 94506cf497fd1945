"""The transport on the embedded broker: a counting worker, stopped in order and started again."""

import signal
import time
from pathlib import Path

import pytest

from tests.kafka.counting import CountingRun, end

pytestmark = pytest.mark.embedded


def test_counts_are_exact_over_a_restart(broker_address: str, tmp_path: Path) -> None:
    run = CountingRun(broker_address, "transport", tmp_path)
    numbers = range(6000)
    run.fill(numbers[:3000])
    worker = run.start("--pause", "0.02")
    try:
        deadline = time.monotonic() + 20
        while "Worker]: Ready" not in run.log():
            assert time.monotonic() < deadline, run.log()
            time.sleep(0.1)
        assert end(worker, signal.SIGTERM) == 0
        run.fill(numbers[3000:])
        worker = run.start()
        run.wait_until_counted(numbers, 20)
        assert end(worker, signal.SIGTERM) == 0
    finally:
        worker.kill()
