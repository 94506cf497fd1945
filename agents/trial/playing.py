"""A replay that runs beside the rest of a trial, in a thread, and can be looked at and stopped."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from agents.replay.datasets import DATASETS, files_of
from agents.replay.finding import find_files
from agents.replay.pacing import Pacer
from agents.replay.records import Outgoing, read_records
from agents.replay.rows import Progress
from agents.replay.sending import Sent, create_producer, send_records
from config.settings import Settings


class BackgroundReplay:
    """Plays records once, from `start` until their end or `stop`.

    Args:
        records: opens them, in the order in which they are sent; `of_dataset` makes those of a data set.
        speed: seconds of event time in a second; None: as fast as possible.
        pacer: makes another pacer than one of constant speed; gets the event that stops the replay.
        skip: so many records at the beginning were sent by an earlier replay and are passed over.
    """

    def __init__(
        self,
        settings: Settings,
        records: Callable[[], Iterator[Outgoing]],
        speed: float | None,
        pacer: Callable[[threading.Event], Pacer] | None = None,
        skip: int = 0,
    ) -> None:
        self._records = records
        self._settings = settings
        self._stop = threading.Event()
        self._pacer = Pacer(speed, self._stop) if pacer is None else pacer(self._stop)
        self._skip = skip
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self.sent = Sent()
        self.error: Exception | None = None
        """What ended the replay before its end; told by whoever owns the screen."""

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, timeout_s: float = 15.0) -> None:
        """End the sending; what was sent until then is delivered. Safe to call twice, and before the start."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    @property
    def is_playing(self) -> bool:
        """Whether records are still being sent."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            producer = create_producer(self._settings)
            try:
                records = self._not_yet_sent(self._records())
                send_records(records, producer, self._settings, self._pacer, self.sent)
            finally:
                producer.close(timeout=5)
        # A thread has nobody above it: whatever ended it must be kept, or the screen would show a silent stop.
        except Exception as error:
            self.error = error

    def _not_yet_sent(self, records: Iterator[Outgoing]) -> Iterator[Outgoing]:
        for number, record in enumerate(records):
            if number >= self._skip:
                yield record
            else:
                self._pacer.pass_over(record.at_us)
                self.sent.records += 1
                self.sent.at_us = record.at_us
                if self._stop.is_set():
                    return


def of_dataset(dataset: str, topic: str | None = None, data: Path | None = None) -> Callable[[], Iterator[Outgoing]]:
    """What opens the records of a data set; those of one topic alone where one is named.

    Raises: DataNotFound.
    """
    chosen = DATASETS[dataset]
    feeds = chosen.feeds if topic is None else chosen.of_topic(topic)
    paths = find_files(dataset, files_of(feeds), data)
    return lambda: read_records(feeds, paths, Progress())
