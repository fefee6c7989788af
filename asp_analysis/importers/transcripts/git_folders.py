"""What the git configuration of a folder on this machine says: whose it is, and of which repository.

Its files are read as text; no program is started in a folder that a transcript names.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"([^"]*)")?\s*\]')
_VALUE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*(?:[;#].*)?$")
_MOST_BYTES = 100_000


class GitFolder(NamedTuple):
    """The person by e-mail address, and the repository as `owner/name`; None where it is not known."""

    person: str | None = None
    repository: str | None = None


def repository_name(address: str) -> str:
    """Return `owner/name` of the address of a repository, without host, user and password; other texts as they are."""
    found = re.search(r"[/:]([^/:\s]+/[^/:\s]+?)(?:\.git)?/?$", address)
    return found[1] if found and ("://" in address or "@" in address) else address.removesuffix(".git")


@lru_cache(maxsize=1_024)
def git_folder(path: str) -> GitFolder:
    """Return what is known of a folder; nothing where it is not there or under no version control."""
    folder = Path(path)
    if not folder.is_absolute():
        return GitFolder()
    try:
        git = next((one / ".git" for one in (folder, *folder.parents) if (one / ".git").exists()), None)
        own = _settings(_config_of(git)) if git is not None else {}
    except OSError:
        return GitFolder()
    email = own.get("user.email") or (_everywhere().get("user.email") if git is not None else None)
    remote = own.get("remote.origin.url")
    return GitFolder(email or None, repository_name(remote) if remote else None)


def _config_of(git: Path) -> Path:
    """Return the configuration of a repository; that of a second work tree is with the first one."""
    if git.is_dir():
        return git / "config"
    named = git.read_text(encoding="utf-8", errors="replace")[:_MOST_BYTES].partition("gitdir:")[2].strip()
    folder = (git.parent / named).resolve()
    common = folder / "commondir"
    return ((folder / common.read_text(encoding="utf-8").strip()) if common.is_file() else folder) / "config"


def _everywhere() -> dict[str, str]:
    home = Path(os.environ.get("HOME") or "/nonexistent")
    base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {**_settings(base / "git" / "config"), **_settings(home / ".gitconfig")}


def _settings(path: Path) -> dict[str, str]:
    """Return the settings of a file, `section.name` or `section.part.name` -> value; none where it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except OSError:
        return {}
    section, found = "", {}
    for line in lines:
        if heading := _SECTION.match(line):
            section = ".".join(part for part in heading.groups() if part)
        elif value := _VALUE.match(line):
            found[f"{section}.{value[1]}".lower()] = value[2].strip('"')
    return found
