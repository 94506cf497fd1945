"""Every dependency in pyproject.toml is explained in docs/dependencies.md, and no other is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_explains_exactly_the_dependencies_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        asked += extra
    names = {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in asked} - {"netgrowth"}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([^|]+?) \|", page, flags=re.MULTILINE)
    explained = {name.strip().lower() for cell in first_cells for name in cell.split(",")} - {"package", "---"}
    assert explained == names
