"""Whole batches through Faust, exact under crashes: see README.md beside this file."""

from agents.transport.barrier import DeliveryBarrier
from agents.transport.changelog import Changelog
from agents.transport.consumer import BatchConsumer
from agents.transport.driver import BatchTransport, create_app, run_worker
from agents.transport.failure import CannotStart, TransportFailure
from agents.transport.log_reading import ReadingProgress
from agents.transport.options import TransportOptions, client_options, recommended_settings
from agents.transport.producer import BarrierProducer
from agents.transport.records import RecordBatch
from agents.transport.schema import BatchSchema, batch_schema, batch_topic
from agents.transport.status import PartitionStatus

__all__ = [
    "BarrierProducer",
    "BatchConsumer",
    "BatchSchema",
    "BatchTransport",
    "CannotStart",
    "Changelog",
    "DeliveryBarrier",
    "PartitionStatus",
    "ReadingProgress",
    "RecordBatch",
    "TransportFailure",
    "TransportOptions",
    "batch_schema",
    "batch_topic",
    "client_options",
    "create_app",
    "recommended_settings",
    "run_worker",
]
