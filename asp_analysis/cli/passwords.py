"""Passwords of servers: taken from a file or a prompt; one in an address is kept out of messages and process lists."""

import os
import re
import sys
from pathlib import Path

import click

from asp_analysis.cli.printing import note
from asp_analysis.errors import ConfigError

_IN_ADDRESS = re.compile(r"(://[^:/@\s]*:)[^\s]*@|([?&\s]password=)[^&\s]+", re.IGNORECASE)

WAS_VISIBLE = (
    "The password in the address was visible in the list of processes for a moment, and your shell may keep it. "
    "Use --password-file FILE (- asks for it), PGPASSWORD or ~/.pgpass instead."
)
"""What is said of an address that was typed with a password."""

PROMPT = "-"
"""What `--password-file` is given in place of a file to ask for the password."""


def hide_in_process_title() -> None:
    """Replace passwords in what `ps` shows of this process, and say that they could be seen until then."""
    words = [without_passwords(word) for word in sys.argv]
    if words != sys.argv:
        from setproctitle import setproctitle

        setproctitle(" ".join([sys.executable, *words]).encode("utf-8", "replace").decode())
        note(WAS_VISIBLE)


def take_password(_context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    """Let this process, and what it starts, use the password of a file or one that is typed.

    Raises:
        ConfigError: the file cannot be read, is empty, or others may read it.
    """
    if name is not None:
        os.environ["PGPASSWORD"] = _ask() if name == PROMPT else read_secret(Path(name), "password")


def _ask() -> str:
    return str(click.prompt("Password", hide_input=True, err=True))


def read_secret(path: Path, noun: str) -> str:
    """Return the one line of a file that nobody else may read; `noun` is what it holds.

    Raises:
        ConfigError: the file cannot be read, is empty, or others may read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"Others may read the {noun} in {path}. Make the file yours alone: chmod 600.")
        secret = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"The {noun} file {path} cannot be read: {error.strerror}. Name another.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"The {noun} file {path} is not UTF-8. Save it in UTF-8.") from None
    if not secret or "\n" in secret or "\0" in secret:
        raise ConfigError(f"The {noun} file {path} does not hold one line. Write the {noun} alone into it.")
    return secret


def without_passwords(text: str) -> str:
    """Return a text with *** for the password of every address in it."""
    return _IN_ADDRESS.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)
