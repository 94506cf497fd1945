"""`definitions init` on each shared data set's raw records proposes the right id, time and event fields."""

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.definitions import command as definitions
from agents.commands.replay import command as replay
from streams.facts.profiles import guesses_of, profiles_of

pytestmark = pytest.mark.shared

RIGHT = {
    ("telco-churn", "customer-events"): ("customer_id", None, "customer_status"),
    ("online-retail", "customer-events"): ("customer_id", "at", "kind"),
    ("olist", "customer-events"): ("customer_id", "purchased_at", "order_status"),
    ("olist", "survey-responses"): ("order_id", "answered_at", None),
    ("airline-tweets", "social-mentions"): ("author_id", "created_at", None),
}


@pytest.mark.parametrize(("data", "topic"), sorted(RIGHT))
def test_fields_are_right(data: str, topic: str, tmp_path) -> None:
    printed = CliRunner().invoke(replay, [data, "--print", topic]).stdout_bytes.splitlines()[:1000]
    rows = [orjson.loads(line) for line in printed]
    guesses = guesses_of(profiles_of(rows), len(rows))
    found = tuple(
        None if profile is None else profile.name for profile in (guesses.customer_id, guesses.at, guesses.event)
    )
    assert found == RIGHT[data, topic]
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(printed) + b"\n")
    result = CliRunner().invoke(definitions, ["init", "--sample", str(tmp_path / "rows.jsonl")])
    assert result.exit_code == 0
    assert "unmapped" in result.stdout
