"""Where files lie: the files of a folder, and the folders in which coding agents keep their transcripts."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asp_analysis.errors import InputError

_TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_PASSED_OVER = {".git", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class FoundFile:
    """A file to load; `is_named` where the user named it himself, so that it must be one that can be loaded."""

    path: Path
    is_named: bool


@dataclass(frozen=True)
class NotLoaded:
    """A file of a folder that was not loaded, and why."""

    file: str
    reason: str


def found_files(paths: Iterable[Path]) -> Iterator[FoundFile]:
    """Give named files themselves, and all files of named folders."""
    for path in paths:
        if path.is_dir():
            yield from (FoundFile(file, False) for file in _files_of(path))
        else:
            yield FoundFile(path, True)


def transcript_files(folders: Iterable[Path]) -> Iterator[FoundFile]:
    """Give the transcripts in the agents' own folders; what else the agents keep there is none of ours."""
    for file in found_files(folders):
        if file.path.name.removesuffix(".gz").endswith(".jsonl"):
            yield file


def _files_of(path: Path) -> Iterator[Path]:
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
