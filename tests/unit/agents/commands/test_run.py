import importlib.util
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.commands.run import command


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    before = signal.getsignal(signal.SIGINT)
    result = CliRunner().invoke(command, ["--folder", str(tmp_path / "trial"), "--port", "0", "--broker-port", "0"])
    assert result.exit_code == 2
    assert "pip install 'netgrowth[trial]'" in result.stderr
    assert signal.getsignal(signal.SIGINT) is before


def test_a_folder_that_cannot_be_used_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(command, ["--folder", str(tmp_path / "file" / "trial"), "--port", "0"])
    assert result.exit_code == 1
    assert "give another one with --folder" in result.stderr


def test_a_speed_that_is_none_is_wrong_usage() -> None:
    result = CliRunner().invoke(command, ["--speed", "fast"])
    assert result.exit_code == 2
    assert "3600" in result.stderr
