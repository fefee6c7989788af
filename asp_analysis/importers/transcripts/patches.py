"""What a patch changes."""

import re

_FILE_HEADER = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)


def changed_lines(patch: str) -> tuple[int, int, set[str]]:
    """Count the lines that a patch adds and removes, and name its files."""
    lines = patch.splitlines()
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    return added, removed, set(_FILE_HEADER.findall(patch))
