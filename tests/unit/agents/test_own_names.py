from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from agents.own_names import HOME, OWN_NAMES, ForeignPackage, check_own_names


def specs(folders: dict[str, Path]) -> dict[str, ModuleSpec]:
    made = {}
    for name, folder in folders.items():
        made[name] = ModuleSpec(name, None, is_package=True)
        made[name].submodule_search_locations = [str(folder)]
    return made


def test_the_names_are_our_own_here() -> None:
    check_own_names()


def test_a_foreign_package_is_named_with_both_places_and_a_way_out(tmp_path: Path) -> None:
    found = specs({name: HOME / name for name in OWN_NAMES} | {"config": tmp_path / "config"})
    with pytest.raises(ForeignPackage) as caught:
        check_own_names(find=found.get)
    message = str(caught.value)
    assert str(tmp_path / "config") in message
    assert str(HOME / "config") in message
    assert "pipx install ." in message


def test_a_lone_module_of_the_name_is_foreign(tmp_path: Path) -> None:
    found = specs({name: HOME / name for name in OWN_NAMES})
    found["streams"] = ModuleSpec("streams", None, origin=str(tmp_path / "streams.py"))
    with pytest.raises(ForeignPackage, match=r"streams\.py"):
        check_own_names(find=found.get)


def test_a_missing_package_is_named() -> None:
    found = specs({name: HOME / name for name in OWN_NAMES})
    del found["streams"]
    with pytest.raises(ForeignPackage, match=r"`streams`.*missing"):
        check_own_names(find=found.get)
