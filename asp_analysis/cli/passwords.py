"""Passwords that were typed in an address: kept out of the list of processes and out of messages."""

import re
import sys

_IN_ADDRESS = re.compile(r"(://[^:/@\s]*:)[^\s]*@|([?&\s]password=)[^&\s]+", re.IGNORECASE)


def hide_in_process_title() -> None:
    """Replace passwords in what `ps` shows of this process."""
    words = [without_passwords(word) for word in sys.argv]
    if words != sys.argv:
        from setproctitle import setproctitle

        setproctitle(" ".join([sys.executable, *words]))


def without_passwords(text: str) -> str:
    """Return a text with *** for the password of every address in it."""
    return _IN_ADDRESS.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)
