"""The data sets beside the project: without them these tests are skipped, but not where all must pass (CI=true)."""

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        why = "the shared data sets are not beside the project, at ../shared/data"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return DATA
