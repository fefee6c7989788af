"""The three standard streams: a closed one is never taken for a file, and an answer that gets lost is an error."""

import io
import os
import sys
from contextlib import suppress
from typing import Any

ANSWER = "standard output"
"""The name that an error of stdout has, as other errors have the name of their file."""


class _Answer(io.FileIO):
    """Stdout whose errors say whose they are."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = ANSWER
            raise


def prepare() -> None:
    """Put something in the place of streams that are closed, and name stdout in its errors; to be called once, first.

    The next file that a process opens takes the number of a closed stream: without this, a store could get what was
    meant for stdout. Writing to the replacement of stdout fails, as writing to a closed file does.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    if sys.stdout is not sys.__stdout__:
        return  # somebody in this process reads what is printed
    old = sys.stdout
    encoding, errors = ("utf-8", "strict") if old is None else (old.encoding, old.errors)
    stream = io.BufferedWriter(_Answer(1, "w", closefd=False))
    sys.stdout = io.TextIOWrapper(stream, encoding, errors, line_buffering=stream.isatty())


def drop_lost_answer() -> None:
    """Forget what stdout did not take: Python would try again at its end and print a traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
