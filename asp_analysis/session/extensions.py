"""Loads the extension of DuckDB that reads a store, from the package that was installed, after a look at what it is.

An extension is machine code that runs in this process. DuckDB checks the signature of its maker at every opening, which
takes a tenth of a second or more. Here it is checked once for each state of the file (inode, size, times of change) and
that is remembered in `cache/` next to the store; afterwards the file is loaded without it. What this does not protect
from: a program of the same user may change the file, its times and what is remembered, and might as well change DuckDB.
A file that somebody else could have put there is refused, checked or not.
"""

import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.privacy import as_private_as, make_folder
from asp_analysis.session.guard import said
from asp_analysis.sql import quoted

_REMEMBERED = "checked-extensions"


def open_with(names: tuple[str, ...], url: StoreUrl, config: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB in memory with extensions loaded, in their order.

    Where the signatures of all were checked before, DuckDB is opened so that it would load unsigned ones too, which
    cannot be taken back: that no query loads anything is the work of `lock` and of the guard.

    Raises:
        StoreError: an extension is not installed, somebody else may have changed it, or it is damaged.
    """
    files = {name: _find_trusted(name) for name in names}
    identities = {str(file): _identify(file) for file in files.values()}
    is_known = identities.items() <= _recall(url).items()
    connection = duckdb.connect(config={**config, **({"allow_unsigned_extensions": "true"} if is_known else {})})
    try:
        for name, file in files.items():
            _load(connection, name, file)
    except BaseException:
        connection.close()
        raise
    if not is_known:
        _remember(url, identities)
    return connection


def _load(connection: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    try:
        connection.execute(f"LOAD {quoted(str(file))}")
    except duckdb.Error as error:
        raise StoreError(
            f"DuckDB's extension {file} cannot be loaded: {said(error)}. {_how_to_install(name)}"
        ) from None


def extension_file(name: str) -> Path:
    """Return the path of an extension of exactly this DuckDB, in its package.

    Raises:
        StoreError: the package is not installed, or has another version.
    """
    try:
        folder = Path(import_module(f"duckdb_extension_{name}").__path__[0])
    except ImportError:
        raise StoreError(f"DuckDB's extension {name} is not installed. {_how_to_install(name)}") from None
    file = folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        raise StoreError(f"DuckDB's extension {file} does not exist. {_how_to_install(name)}")
    return file


_OF_LAKES = ("httpfs", "aws")
"""Extensions that only an extra brings."""


def _how_to_install(name: str) -> str:
    if name in _OF_LAKES:
        return "A lake in a bucket needs the extra lake: pip install 'asp-analysis[lake]'"
    package = f"duckdb-extension-{name.replace('_', '-')}"
    return f"Install it again: pip install --force-reinstall --no-deps {package}=={duckdb.__version__}"


def _find_trusted(name: str) -> Path:
    """Return the real path of an extension within the environment that nobody but its owner and root may write."""
    file = Path(os.path.realpath(extension_file(name)))
    library = Path(os.path.realpath(str(duckdb.__file__))).parent
    homes = {library.parent, Path(os.path.realpath(sys.prefix))}
    if not any(file.is_relative_to(home) for home in homes):
        raise StoreError(
            f"DuckDB's extension {file} is outside of the environment {sys.prefix}, and could be anybody's. "
            f"{_how_to_install(name)}"
        )
    owners = {0, os.geteuid(), library.stat().st_uid}
    for path in (file, file.parent):
        found = path.stat()
        is_shared = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid not in _own_groups())
        if is_shared or found.st_uid not in owners:
            raise StoreError(
                f"Other users may write {path}, and it holds machine code that is run here. "
                "Make it its owner's alone with chmod go-w."
            )
    return file


def _own_groups() -> set[int]:
    """Return the groups that are this user's alone by custom: the main one, where it has the user's own number."""
    return {os.getegid()} if os.getegid() == os.geteuid() else set()


def _identify(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


# --- what is remembered -----------------------------------------------------------------------------------------------


def _recall(url: StoreUrl) -> dict[str, list[int]]:
    """Return the files whose signature was checked; none where somebody else could have written that."""
    path = url.data_dir / "cache" / _REMEMBERED
    try:
        with path.open(encoding="utf-8") as stream:
            found = os.fstat(stream.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return {}
            known = json.load(stream)
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(url: StoreUrl, identities: Mapping[str, list[int]]) -> None:
    """Note that files in this state are signed; where nothing can be written, they are checked again."""
    path = url.data_dir / "cache" / _REMEMBERED
    part = path.with_name(f"{_REMEMBERED}.{uuid4().hex}")
    with suppress(OSError):
        make_folder(path.parent, url)
        with as_private_as(url):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({**_recall(url), **identities}, stream)
        part.replace(path)
    with suppress(OSError):  # what a full disk cut short
        part.unlink()
