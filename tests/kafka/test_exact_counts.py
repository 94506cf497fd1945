"""The transport on Apache Kafka: over kills, stops and rebalances counts stay exact; failures end the process."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.kafka.broker import KafkaCluster
from tests.kafka.counting import CountingRun, end

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]


def _wait_for_log(run: CountingRun, text: str, number: int = 0, timeout: float = 15.0) -> None:
    deadline = time.monotonic() + timeout
    while text not in run.log(number):
        assert time.monotonic() < deadline, run.log(number)[-4000:]
        time.sleep(0.05)


def test_two_workers_killed_and_stopped_at_random_count_every_number_once(
    kafka: KafkaCluster, prefix: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("NETGROWTH_TEST_SEED", random.randrange(2**31)))
    print(f"NETGROWTH_TEST_SEED={seed} replays this schedule")
    chance = random.Random(seed)
    run = CountingRun(kafka.address, prefix, tmp_path)
    numbers = range(60_000)

    def fill_slowly() -> None:
        for start in range(0, len(numbers), 3000):
            run.fill(numbers[start : start + 3000])
            time.sleep(0.6)

    filling = threading.Thread(target=fill_slowly)
    filling.start()
    workers = [run.start(), run.start()]
    logs = [1, 2]
    number = signal.SIGKILL
    try:
        for turn in range(6):
            time.sleep(chance.uniform(0.3, 4.0))
            # One of each in every two turns, in either order.
            if turn % 2 == 0:
                number = chance.choice([signal.SIGKILL, signal.SIGTERM])
            else:
                number = signal.SIGTERM if number == signal.SIGKILL else signal.SIGKILL
            victim = chance.randrange(2)
            was_up = "Worker]: Ready" in run.log(logs[victim])
            status = end(workers[victim], number)
            # A worker that is not up yet has no handler for SIGTERM.
            if number == signal.SIGTERM and was_up:
                assert status == 0, run.log(logs[victim])[-4000:]
            workers[victim], logs[victim] = run.start(), turn + 3
        filling.join()
        run.wait_until_counted(numbers, 30)
        for worker, log in zip(workers, logs, strict=True):
            _wait_for_log(run, "Worker]: Ready", log)
            assert end(worker, signal.SIGTERM) == 0, run.log(log)[-4000:]
        run.wait_until_counted(numbers, 1)
    finally:
        filling.join()
        for worker in workers:
            worker.kill()


@pytest.mark.parametrize("cython", ["", "1"], ids=["with Cython", "without Cython"])
def test_an_exception_in_the_agent_ends_the_process_and_loses_nothing(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, cython: str
) -> None:
    run = CountingRun(kafka.address, prefix, tmp_path)
    numbers = range(8000)
    run.fill(numbers)
    environment = {**os.environ, "NO_CYTHON": cython}
    loop = "asyncio" if cython else "uvloop"
    assert run.start("--fault", "raise", "--loop", loop, environment=environment).wait(30) == 1
    assert "as the test wants" in run.log()
    worker = run.start("--loop", loop, environment=environment)
    run.wait_until_counted(numbers, 20)
    assert end(worker, signal.SIGTERM) == 0


def test_a_stop_in_the_middle_of_slow_work_commits_what_was_applied(
    kafka: KafkaCluster, prefix: str, tmp_path: Path
) -> None:
    run = CountingRun(kafka.address, prefix, tmp_path)
    numbers = range(20_000)
    run.fill(numbers)
    worker = run.start("--pause", "0.05")
    _wait_for_log(run, "Worker ready")
    time.sleep(1.0)
    assert end(worker, signal.SIGTERM) == 0
    found = run.counted()
    assert all(counted.o == counted.committed for counted in found.values()), found
    assert 0 < sum(counted.o for counted in found.values()) < len(numbers)
    worker = run.start()
    run.wait_until_counted(numbers, 20)
    assert end(worker, signal.SIGTERM) == 0


def test_a_process_that_stood_still_too_long_ends_itself(kafka: KafkaCluster, prefix: str, tmp_path: Path) -> None:
    run = CountingRun(kafka.address, prefix, tmp_path)
    run.fill(range(100))
    worker = run.start()
    _wait_for_log(run, "Worker ready")
    worker.send_signal(signal.SIGSTOP)
    time.sleep(4.5)
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(5) == 1
    assert "stood still" in run.log()


def test_records_that_cannot_be_delivered_end_the_process_in_time(prefix: str, tmp_path: Path) -> None:
    with KafkaCluster() as own:
        run = CountingRun(own.address, prefix, tmp_path)
        run.fill(range(4000))
        worker = run.start("--pause", "0.3")
        _wait_for_log(run, "Worker ready")
        time.sleep(0.5)
        own.nodes[0].signal(signal.SIGSTOP)
        began = time.monotonic()
        assert worker.wait(20) == 1
        # Delivery deadline 4.8 s, exit grace 5 s.
        assert time.monotonic() - began < 12
        assert "were not delivered within" in run.log()


def test_credentials_reach_every_client(prefix: str, tmp_path: Path) -> None:
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_clerk="secret";'
    with KafkaCluster(client_protocol="SASL_PLAINTEXT", settings={
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": login,
    }) as own:
        client = {
            "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "clerk", "sasl_plain_password": "secret",
        }
        run = CountingRun(own.address, prefix, tmp_path, client=client)
        numbers = range(4000)
        run.fill(numbers)
        worker = run.start("--user", "clerk", "--password", "secret")
        run.wait_until_counted(numbers, 20)
        assert end(worker, signal.SIGTERM) == 0
