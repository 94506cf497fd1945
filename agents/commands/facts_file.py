"""A file of records that a command reads more than once: a pipe is set aside in a temporary file first."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from agents.commands.environment import WrongInput

STANDARD_INPUT = "-"


@contextmanager
def readable_again(file: str) -> Iterator[str]:
    """The path of a file that may be read several times."""
    path = Path(file)
    if file != STANDARD_INPUT and (path.is_file() or not path.exists()):
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="netgrowth-") as copy:
        if file == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, copy, 1 << 20)
        else:
            with _opened(path) as pipe:
                shutil.copyfileobj(pipe, copy, 1 << 20)
        copy.flush()
        yield copy.name


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise WrongInput(f"{path}: {error.strerror or error}") from error
