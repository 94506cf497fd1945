"""A feed that is silent, on the page: no number as if it were of now, and a way to those up to then."""

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Company

pytestmark = pytest.mark.browser

FRESH = "15m"
MORE = "alerts: {heartbeats: {customer-events: 10s}}"
SILENT_AFTER_S = 70
SHOWN = "document.querySelector('[data-numbers]:not([hidden]) #sentence')?.textContent"
NOTICES = "document.querySelector('#notices').textContent"


def test_numbers_of_a_silent_feed_are_not_shown_but_as_of_then(browser: Chromium, company: Company) -> None:
    company.send("customer-events", "a", age_s=SILENT_AFTER_S + 5, event_id="e0", customer_id="a", fact="joined",
                 value=100)  # fmt: skip
    browser.open(company.address + "?window=1h")
    browser.wait(f"/customer-events is silent. Nothing has come for /.test({NOTICES})", 30)
    assert not browser.run(SHOWN)
    assert not browser.run("document.querySelector('.feeds-card').hidden")
    assert "customer-events: silent" in browser.text()
    browser.run("document.querySelector('#notices a').click()")
    browser.wait(f"{SHOWN}?.startsWith('1 joined, nobody left')", 15)
    assert "As it was at " in browser.run(NOTICES)
    company.tell("joined", "b", value=100)
    browser.open(company.address + "?window=1h")
    browser.wait(f"{SHOWN}?.startsWith('2 joined, nobody left')", 15)
    assert "silent" not in browser.run(NOTICES)
    assert browser.faults == []
