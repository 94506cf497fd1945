"""The pictures of docs/board.md, of a real worker on the packed data: `python -m tests.browser.pictures`.

It takes half a minute, and writes docs/board.png and docs/customers.png.
"""

import tempfile
import time
from pathlib import Path

from agents.trial.story import STORIES, Trial, TrialOptions, at_speed
from tests.browser.chromium import Chromium

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = 33_337
COUNTED = f"fetch('/api/v1/status').then(a => a.json()).then(s => s.accounting.records === {RECORDS})"


def main() -> None:
    """Play all data, then look."""
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        options = TrialOptions(Path(folder), web_port=0, broker_port=0)
        with Trial(at_speed(STORIES["online-retail"], None), options, print) as trial:
            while not trial.seen.ready:
                trial.check()
                time.sleep(0.2)
            browser.size(1280, 860)
            browser.open(f"{trial.web}/?window=this_quarter")
            browser.wait(COUNTED, 90)
            time.sleep(5)  # the clock comes to rest, lines are drawn anew
            browser.open(f"{trial.web}/?window=this_quarter")
            browser.wait("document.querySelector('#line svg')")
            (DOCS / "board.png").write_bytes(browser.picture())
            browser.run("document.querySelector('[data-bowl=lost] .number').click()")
            browser.wait("document.querySelector('#customers tbody tr')")
            (DOCS / "customers.png").write_bytes(browser.picture())


if __name__ == "__main__":
    main()
