"""The pictures of README and docs/board.md: the story of `netgrowth run` at its height.

`python -m tests.browser.pictures` plays it (some four minutes); `--url http://127.0.0.1:6066` looks at a worker that
is playing it already. It writes docs/board.png, docs/board-dark.png and docs/customers.png.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

from agents.trial.acts import LOSSES, Act
from agents.trial.stories import STORIES, times_faster
from agents.trial.story import Trial, TrialOptions
from tests.browser.chromium import Chromium

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, HEIGHT = 1280, 1330
FASTER = 2.0
AFTER_LOSSES_S = 8.0
"""From the first surge of losses to the picture: by then the segment is named among them."""


def main() -> None:
    """Play the story up to its height, and look; or look at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a worker that plays the story")
    url = parser.parse_args().url
    if url is not None:
        take(url.rstrip("/"))
        return
    height = threading.Event()

    def on_act(act: Act) -> None:
        print(act.at, act.text)
        if act.kind == LOSSES:
            height.set()

    with tempfile.TemporaryDirectory() as folder:
        options = TrialOptions(Path(folder), web_port=0, broker_port=0)
        with Trial(times_faster(STORIES["flight-club"], FASTER), options, print, on_act) as trial:
            while not height.wait(1.0):
                trial.check()
            time.sleep(AFTER_LOSSES_S)
            take(trial.web)


def take(web: str) -> None:
    """The page light and dark, and the list behind a number."""
    with Chromium() as browser:
        for name, dark in (("board-dark.png", True), ("board.png", False)):
            browser.size(WIDTH, HEIGHT, dark=dark)
            browser.open(f"{web}/?window=24h")
            browser.wait("document.querySelector('#line svg')", 60)
            browser.wait("!document.querySelector('#surges-card').hidden", 60)
            (DOCS / name).write_bytes(browser.picture())
        browser.size(WIDTH, 860)
        browser.run("document.querySelector('[data-bowl=lost] .number').click()")
        browser.wait("document.querySelector('#customers tbody tr')", 60)
        (DOCS / "customers.png").write_bytes(browser.picture())


if __name__ == "__main__":
    main()
