"""Writes the boards' JSON: `python -m grafana.render`, or with `--check` only compares (exit status 1: differs).

`--time-zone Europe/Berlin --folder DIR` writes them for a company whose days and hours are those.
"""

import argparse
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grafana.board import render
from grafana.boards import customer_math, health_and_voice, monitor, overview

OUT = Path(__file__).parent / "out"


def boards(time_zone: str = "") -> dict[str, str]:
    """File name to JSON; `time_zone` as of `grafana.board.render`."""
    made = (overview.board(), customer_math.board(), health_and_voice.board(), monitor.board())
    return {f"{board.uid.removeprefix('netgrowth-')}.json": render(board, time_zone) for board in made}


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(prog="python -m grafana.render", description="Write the boards' JSON.")
    parser.add_argument("--check", action="store_true", help="only compare; exit status 1 if they differ")
    parser.add_argument("--folder", type=Path, default=OUT, help="where they are (default: grafana/out)")
    parser.add_argument("--time-zone", type=_zone, metavar="NAME",
                        help="the company's, as the definitions have it; default: that of the Grafana")
    given = parser.parse_args(arguments)
    different = 0
    for name, text in boards(given.time_zone or "").items():
        path = given.folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        different += 1
        if given.check:
            print(f"{path.name} is not as it would be made", file=sys.stderr)
        else:
            given.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{path.name} written")
    return int(bool(different) and given.check)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name!r} is no time zone, as Europe/Berlin is one") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
