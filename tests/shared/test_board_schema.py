"""Boards against the published schema of a Grafana dashboard."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from grafana.render import OUT

pytestmark = pytest.mark.shared

SCHEMA = Path(__file__).parents[3] / "shared/schema/grafana-dashboard.schema.json"


@pytest.mark.parametrize("path", sorted(OUT.glob("*.json")), ids=lambda path: path.stem)
def test_a_board_is_valid(path: Path) -> None:
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    board = json.loads(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(board)] == []
    board["panels"][1]["gridPos"]["w"] = "wide"
    assert list(validator.iter_errors(board))
