import shutil
from pathlib import Path

import pytest

from agents.replay import finding
from agents.replay.datasets import DATASETS, files_of
from agents.replay.finding import PACKED, DataNotFound, find_files

FILES = ("orders", "seller_leads")


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("id\n", encoding="utf-8")
    return folder


def test_each_file_may_be_plain_or_compressed(tmp_path: Path) -> None:
    put(tmp_path, "orders.csv.zst", "seller_leads.csv", "seller_leads.csv.gz")
    assert find_files("olist", FILES, tmp_path) == {
        "orders": tmp_path / "orders.csv.zst",
        "seller_leads": tmp_path / "seller_leads.csv",
    }


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    put(tmp_path, "orders.csv")
    with pytest.raises(DataNotFound, match=r"has no seller_leads\.csv") as caught:
        find_files("olist", FILES, tmp_path)
    assert "orders" not in str(caught.value).replace(str(tmp_path), "")


def test_a_folder_named_that_does_not_exist_is_never_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match="there is no folder"):
        find_files("online-retail", ("purchases",), tmp_path / "no")
    with pytest.raises(DataNotFound, match="is a file"):
        find_files("online-retail", ("purchases",), put(tmp_path, "purchases.csv") / "purchases.csv")


def test_one_folder_too_high_is_noticed(tmp_path: Path) -> None:
    put(tmp_path / "olist", "orders.csv", "seller_leads.csv")
    with pytest.raises(DataNotFound, match="one folder deeper"):
        find_files("olist", FILES, tmp_path)


@pytest.mark.parametrize("name", ["online-retail", "nyc-flights", "cloud-monitoring"])
def test_data_that_may_be_redistributed_is_packed_with_its_licence(name: str) -> None:
    paths = find_files(name, files_of(DATASETS[name].feeds))
    assert all(path.parent == PACKED / name for path in paths.values())
    assert "Licence" in (PACKED / name / "NOTICE.md").read_text(encoding="utf-8")


def test_no_other_data_is_packed_and_all_of_it_is_small() -> None:
    assert sorted(path.name for path in PACKED.iterdir()) == ["cloud-monitoring", "nyc-flights", "online-retail"]
    assert sum(path.stat().st_size for path in PACKED.rglob("*") if path.is_file()) < 5_000_000


def test_data_beside_the_working_directory_is_found_and_else_every_place_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "PROJECT", tmp_path / "elsewhere" / "project")
    here = put(tmp_path / "here")
    monkeypatch.chdir(here)
    shared = put(tmp_path / "shared" / "data" / "telco-churn", "customers.csv")
    assert find_files("telco-churn", ("customers",)) == {"customers": shared / "customers.csv"}
    shutil.rmtree(shared)
    with pytest.raises(DataNotFound) as caught:
        find_files("telco-churn", ("customers",))
    for place in (PACKED / "telco-churn", shared, "--data PATH"):
        assert str(place) in str(caught.value)
