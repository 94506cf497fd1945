"""Every dependency in pyproject.toml has a range and is explained in docs/dependencies.md, and no other is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        asked += extra
    return asked


def test_every_dependency_has_a_range() -> None:
    assert [one for one in asked_for() if not re.match(r"[\w-]+>=[\d.]+,<[\d.]+($|;)", one)] == []


def test_the_page_explains_exactly_the_dependencies_asked_for() -> None:
    names = {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in asked_for()} - {"netgrowth"}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([^|]+?) \|", page, flags=re.MULTILINE)
    explained = {name.strip().lower() for cell in first_cells for name in cell.split(",")} - {"package", "---"}
    assert explained == names
