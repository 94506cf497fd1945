"""The pictures of README and docs/board.md: the story of `netgrowth run` on the evening of its trouble.

`python -m tests.browser.pictures` plays nine days of it at once (a minute or two) and writes all of `PICTURES` to
docs/; `--folder` writes them elsewhere. The story stands still when they are taken, so that they are the same each
time but for what the machine draws with.
"""

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from agents.trial.acts import ALERT, Act
from agents.trial.story import Trial, TrialOptions
from agents.worker_client import ask
from streams.facts.times import instant_of
from tests.browser.chromium import Chromium
from tests.short_story import ENDS, short_story

DOCS = Path(__file__).parents[2] / "docs"
WITHIN_S = 480.0
SETTLED_S = 3 * 3600
"""How far from its end the search for surges may be: at night little is said."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One of them.

    Attributes:
        size: of the window, in pixels of the page.
        scale: pixels of the picture for one of the page.
        query: of the address.
        shows: what must be there, as a script.
    """

    name: str
    size: tuple[int, int]
    dark: bool = False
    scale: float = 1.0
    query: str = "?window=24h"
    shows: str = "/Alert NetgrowthLossSurge/.test(document.body.innerText) && document.querySelector('#line svg')"


LIST = "document.querySelector('#customers[open] tbody tr')"

PICTURES = (
    Picture("board.png", (1280, 1340), scale=0.75),
    Picture("board-dark.png", (1280, 1340), dark=True, scale=0.75),
    Picture("board-phone.png", (360, 1250)),
    Picture("board-wall.png", (3840, 2160), dark=True, scale=0.4),
    Picture("customers.png", (1280, 860), query="?window=24h&who=lost&reason=flight failed", shows=LIST),
)


def main() -> None:
    """Play the story up to its evening, and take all pictures of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DOCS, help="where they are written (default: docs)")
    folder: Path = parser.parse_args().folder
    alert = threading.Event()

    def on_act(act: Act) -> None:
        print(act.at, act.text)
        if act.kind == ALERT:
            alert.set()

    with tempfile.TemporaryDirectory() as own:
        options = TrialOptions(Path(own), web_port=0, broker_port=0)
        with Trial(short_story(), options, print, on_act) as trial:
            deadline = time.monotonic() + WITHIN_S
            while not alert.wait(1.0) or not _is_settled(trial):
                trial.check()
                assert time.monotonic() < deadline, "the story does not come to its evening"
            take(trial.web, folder)


def _is_settled(trial: Trial) -> bool:
    at = instant_of(ask(trial.web, "/api/v1/surges")["at"], None)
    return at is not None and at >= ENDS - SETTLED_S * 1_000_000


def take(web: str, folder: Path) -> None:
    """All pictures of a worker's page."""
    with Chromium() as browser:
        for picture in PICTURES:
            browser.size(*picture.size, dark=picture.dark, scale=picture.scale)
            browser.call("Emulation.setScrollbarsHidden", hidden=True)
            browser.open(f"{web}/{picture.query}")
            browser.wait(picture.shows, 60)
            (folder / picture.name).write_bytes(browser.picture())


if __name__ == "__main__":
    main()
