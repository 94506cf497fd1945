"""Where a data set's files lie: in a folder that was named, packed with the program, or shared beside it."""

from collections.abc import Iterable
from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".csv.zst")
PACKED = Path(__file__).resolve().parent / "packed"
PROJECT = Path(__file__).resolve().parents[2]


class DataNotFound(Exception):
    """The files of a data set are not where they were looked for; the text says where, and what to do."""


def find_files(dataset: str, files: Iterable[str], data: Path | None = None) -> dict[str, Path]:
    """The path of each file of a data set, all out of one folder.

    Args:
        dataset: name of the data set.
        files: names without ending; `.csv`, `.csv.gz` and `.csv.zst` are looked for, in this order.
        data: the folder that holds the files; None looks at the packed and then the shared data.
    Raises: DataNotFound, naming what is missing and every folder looked at.
    """
    wanted = tuple(files)
    folders = [data] if data is not None else _usual_folders(dataset)
    for folder in folders:
        paths = {file: path for file in wanted if (path := _path_of(folder, file)) is not None}
        if len(paths) == len(wanted):
            return paths
    names = ", ".join(f"{file}.csv" for file in wanted)
    if data is not None:
        raise DataNotFound(_not_in(data, dataset, wanted, names))
    looked_at = "".join(f"\n  {folder}" for folder in folders)
    raise DataNotFound(
        f"the files of {dataset} ({names}, or .csv.gz, .csv.zst) are in none of these folders:{looked_at}\n"
        "give the folder that holds them with --data PATH"
    )


def _usual_folders(dataset: str) -> list[Path]:
    here = Path.cwd()
    shared = [PROJECT.parent / "shared" / "data", here.parent / "shared" / "data", here / "shared" / "data"]
    return list(dict.fromkeys([PACKED / dataset, *(folder / dataset for folder in shared)]))


def _path_of(folder: Path, file: str) -> Path | None:
    for ending in ENDINGS:
        path = folder / (file + ending)
        if path.is_file():
            return path
    return None


def _not_in(data: Path, dataset: str, wanted: tuple[str, ...], names: str) -> str:
    if not data.exists():
        return f"--data: there is no folder {data}"
    if not data.is_dir():
        return f"--data: {data} is a file; give the folder that holds {names}"
    inside = data / dataset
    if all(_path_of(inside, file) is not None for file in wanted):
        return f"--data: the files of {dataset} are one folder deeper; give --data {inside}"
    missing = ", ".join(f"{file}.csv" for file in wanted if _path_of(data, file) is None)
    return f"--data: {data} has no {missing} (nor .csv.gz, .csv.zst); {dataset} needs it with this name"
