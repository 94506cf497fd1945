"""A replay that runs beside the rest of a trial, in a thread, and can be looked at and stopped."""

import threading
from pathlib import Path

from agents.replay.datasets import DATASETS, files_of
from agents.replay.finding import find_files
from agents.replay.pacing import Pacer
from agents.replay.records import read_records
from agents.replay.rows import Progress
from agents.replay.sending import Sent, create_producer, send_records
from config.settings import Settings


class BackgroundReplay:
    """Plays one data set once, from `start` until its end or `stop`.

    Args:
        topic: send only the records of this topic; None: all of them.
        speed: seconds of event time in a second; None: as fast as possible.
    """

    def __init__(
        self,
        settings: Settings,
        dataset: str,
        speed: float | None,
        topic: str | None = None,
        data: Path | None = None,
    ) -> None:
        chosen = DATASETS[dataset]
        self._feeds = chosen.feeds if topic is None else chosen.of_topic(topic)
        self._paths = find_files(dataset, files_of(self._feeds), data)
        self._settings = settings
        self._stop = threading.Event()
        self._pacer = Pacer(speed, self._stop)
        self._thread = threading.Thread(target=self._run, name=f"replay {dataset}", daemon=True)
        self.progress = Progress()
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
                records = read_records(self._feeds, self._paths, self.progress)
                send_records(records, producer, self._settings, self._pacer, self.sent)
            finally:
                producer.close(timeout=5)
        # A thread has nobody above it: whatever ended it must be kept, or the screen would show a silent stop.
        except Exception as error:
            self.error = error
