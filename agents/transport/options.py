"""What can be set of the transport itself, and the settings of Faust that it was made for."""

from dataclasses import dataclass
from typing import Any

from faust import App
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

#: Python objects of a record cost about this many times its bytes.
OBJECT_OVERHEAD = 3


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Bounds and deadlines; sizes in bytes, times in seconds.

    Deadlines left at None follow the session timeout: what hangs longer than that has lost its partitions anyway.
    """

    #: A batch holds at most this many records ...
    slice_records: int = 1000
    #: ... and at most this many bytes, unless one record alone is larger.
    slice_bytes: int = 1024 * 1024
    #: Nothing more is asked for while unreleased batches hold more than this.
    max_bytes_in_flight: int = 64 * 1024 * 1024
    #: How long the broker holds a fetch for which it has nothing. aiokafka has one fetch per broker under way, so an
    #: idle partition holds the others of its broker back by this long.
    fetch_wait: float = 0.1
    #: How long one poll waits for fetched records; also how long a rebalance may wait for a poll to end.
    poll_wait: float = 0.2
    #: A record waits at most this long for others to share its batch; `delivered()` does not wait for it.
    linger: float = 0.01
    #: Everything sent must be acknowledged by the broker within this time; None: 0.8 of the session timeout.
    delivery_deadline: float | None = None
    #: Flushing and acknowledging what is in work before partitions are given up; None: 0.8 of the session timeout.
    quiesce_deadline: float | None = None
    #: One attempt to commit offsets.
    commit_timeout: float = 5.0
    #: Commits may fail this long without a rebalance coming before the process ends.
    commit_deadline: float = 30.0
    #: Recovery may go without a single record this long before the process ends.
    recovery_stall: float = 60.0
    #: Records read from a changelog at once.
    recovery_records: int = 5000
    #: Bytes of a changelog partition asked for at once.
    recovery_fetch_bytes: int = 4 * 1024 * 1024
    #: An event loop that has not turned for this long is not live.
    loop_stall: float = 15.0
    #: After a failure the process ends by itself within this time, then by force.
    exit_grace: float = 5.0

    def __post_init__(self) -> None:
        counts = ("slice_records", "slice_bytes", "max_bytes_in_flight", "recovery_records", "recovery_fetch_bytes")
        times = ("fetch_wait", "poll_wait", "commit_timeout", "commit_deadline", "recovery_stall", "loop_stall")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give at least 1")
        for name in times:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a time above 0 seconds")

    def memory_bound(self, *, partitions: int, fetch_bytes: int) -> int:
        """Upper estimate of the bytes that input can occupy: batches in flight, one poll more, and the prefetch.

        `fetch_bytes` is Faust's `consumer_max_fetch_size`. Compressed input grows beyond it when it is unpacked.
        """
        prefetched = (partitions + 1) * fetch_bytes
        return (self.max_bytes_in_flight + prefetched) * OBJECT_OVERHEAD + prefetched


def recommended_settings() -> dict[str, Any]:
    """Settings of the Faust app that the transport was made for and is tested with; any of them may be replaced.

    They fit a worker whose topics exist already (`topic_allow_declare=False`) and which recovers by `Changelog`.
    """
    return {
        "processing_guarantee": "at_least_once",
        # An exception that leaves an agent ends the process, and nothing unacknowledged is committed on the way out.
        "agent_supervisor": "mode.CrashingSupervisor",
        "broker_commit_interval": 0.5,
        # Counts messages, and ours are batches: the interval and prompt commits decide.
        "broker_commit_every": 1_000_000_000,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 2.0,
        "broker_rebalance_timeout": 60.0,
        "broker_max_poll_records": 4000,
        "consumer_max_fetch_size": 1024 * 1024,
        "consumer_auto_offset_reset": "earliest",
        # Batches, not records.
        "stream_buffer_maxsize": 16,
        "stream_wait_empty": True,
        "stream_recovery_delay": 0.0,
        "producer_acks": -1,
        "producer_request_timeout": 8.0,
        "producer_linger": 0.01,
        # Near the 1 MiB that a topic takes by default: a flush is few requests, one after the other.
        "producer_max_batch_size": 1_000_000,
        # Four times as fast as lz4, which aiokafka runs at its slowest level, and smaller.
        "producer_compression_type": "zstd",
        "producer_threaded": False,
        "store": "memory://",
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_replication_factor": 3,
        "web_bind": "127.0.0.1",
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "worker_redirect_stdouts": False,
    }


def client_options(app: App) -> dict[str, Any]:
    """Addresses, timeout and credentials of the app's brokers, for a client of aiokafka beside Faust's own."""
    conf = app.conf
    transport = app.transport
    return {
        "bootstrap_servers": server_list(transport.url, transport.default_port),
        "client_id": conf.broker_client_id,
        "request_timeout_ms": int(conf.broker_request_timeout * 1000),
        **credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
    }
