"""Writes the boards' JSON: `python -m grafana.render`, or with `--check` only compares (exit status 1: differs)."""

import sys
from pathlib import Path

from grafana.board import render
from grafana.boards import customer_math, health_and_voice, monitor, overview

OUT = Path(__file__).parent / "out"


def boards() -> dict[str, str]:
    """File name to JSON."""
    made = (overview.board(), customer_math.board(), health_and_voice.board(), monitor.board())
    return {f"{board.uid.removeprefix('netgrowth-')}.json": render(board) for board in made}


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    different = 0
    for name, text in boards().items():
        path = OUT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        different += 1
        if "--check" in arguments:
            print(f"{path.name} is not as it would be made", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path.name} written")
    return int(bool(different) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
