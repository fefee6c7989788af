"""Where files lie: the files of a folder, and the folders in which coding agents keep their transcripts."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from asp_analysis.errors import InputError

_TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_PASSED_OVER = {".git", "node_modules", "__pycache__"}


def files_of(path: Path) -> Iterator[Path]:
    """Give a file itself, or all files of a folder and its folders, in the order of their names."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name


def is_table_name(path: Path) -> bool:
    """Tell whether a file of a folder is called like a plain table; only such files are tried as one."""
    return path.name.lower().removesuffix(".gz").endswith(_TABLE_SUFFIXES)


def claude_code_folders(environment: Mapping[str, str]) -> list[Path]:
    """Find Claude Code's transcripts: `projects` in the folders of CLAUDE_CONFIG_DIR (a comma list), else in the homes.

    Raises:
        InputError: there are none.
    """
    homes = [Path.home() / ".config" / "claude", Path.home() / ".claude"]
    return _found(_listed(environment, "CLAUDE_CONFIG_DIR") or homes, ("projects",), "CLAUDE_CONFIG_DIR")


def codex_folders(environment: Mapping[str, str]) -> list[Path]:
    """Find Codex' rollouts: `sessions` and `archived_sessions` in CODEX_HOME (a comma list), else in `~/.codex`.

    Raises:
        InputError: there are none.
    """
    homes = _listed(environment, "CODEX_HOME") or [Path.home() / ".codex"]
    return _found(homes, ("sessions", "archived_sessions"), "CODEX_HOME")


def _listed(environment: Mapping[str, str], name: str) -> list[Path]:
    return [Path(part.strip()).expanduser() for part in environment.get(name, "").split(",") if part.strip()]


def _found(homes: list[Path], folders: tuple[str, ...], variable: str) -> list[Path]:
    found = [home / folder for home in homes for folder in folders if (home / folder).is_dir()]
    found += [home for home in homes if home.name in folders and home.is_dir()]
    if not found:
        places = ", ".join(str(home / folders[0]) for home in homes)
        raise InputError(f"A folder of transcripts is needed, there is none at {places}. Set {variable}, or name it.")
    return found
