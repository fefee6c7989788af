"""Where things are: DATABASE_URL, `.env`, the store, the data folder. No other module knows a path by itself."""

import hashlib
import os
import re
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dotenv import dotenv_values

from asp_analysis.errors import ConfigError

_DEFAULT_FILE = "data/asp_telemetry.db"
DEFAULT_URL = f"sqlite:///{_DEFAULT_FILE}"
_ALMOST_SCHEMES = ("postgres:", "postgres/", "postgresql:", "postgresql/", "sqlite:")
"""How a mistyped address begins: as the path of a file it would only lead to a store that does not exist."""
_PACKAGE_DIR = Path(__file__).resolve().parent


def machine_name() -> str:
    """Return the name that this machine's rows get: ASP_MACHINE, else the name of the computer."""
    return os.environ.get("ASP_MACHINE", "").strip() or socket.gethostname()


LAKE_SCHEMES = ("lake", "s3", "gs", "abfss")
"""Of lakes: a folder, and the buckets of Amazon, Google and Azure."""


@dataclass(frozen=True)
class StoreUrl:
    """A store's address: a SQLite file (`path`), a PostgreSQL server, or a lake (`path` is None for both)."""

    text: str = field(repr=False)
    path: Path | None

    def __repr__(self) -> str:
        return f"StoreUrl({self.shown!r})"

    @property
    def is_sqlite(self) -> bool:
        """True for a SQLite file."""
        return self.path is not None

    @property
    def is_lake(self) -> bool:
        """True for a lake, which is read as a store is and written by publishing."""
        return self.text.partition("://")[0] in LAKE_SCHEMES

    @property
    def lake_folder(self) -> Path | None:
        """The folder of a lake that is one; None for a bucket, and for what is no lake."""
        return Path(self.text.removeprefix("lake://")) if self.text.startswith("lake://") else None

    @property
    def shown(self) -> str:
        """The address without its password; the only form that may be printed."""
        if self.path is not None:
            return str(self.path)
        if self.is_lake:
            return self.text
        parts = urlsplit(self.text)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"

    def is_missing(self) -> bool:
        """Return whether there is no file yet; False for a server, which only an attempt can show.

        Raises:
            ConfigError: the system does not say: a folder that may not be entered, a name that is too long.
        """
        try:
            return self.path is not None and not self.path.exists()
        except OSError as error:
            raise ConfigError(
                f"The store {self.path} cannot be opened: {error.strerror}. Check the permissions of its folders, or "
                "name another store."
            ) from None

    @property
    def data_dir(self) -> Path:
        """The folder of the store, where `backups/`, `exports/` and `cache/` are made."""
        return self.path.parent if self.path is not None else project_dir() / "data"

    @property
    def local_name(self) -> str:
        """A name for what this machine keeps about the store: readable, and its own for every store."""
        digest = hashlib.sha256(str(self.path.resolve() if self.path else self.shown).encode()).hexdigest()[:12]
        return f"{self.path.stem if self.path else 'lake' if self.is_lake else 'server'}-{digest}"

    @property
    def spill_path(self) -> Path:
        """The path next to which captured records wait: the file, or what this machine keeps about a server."""
        return self.path or self.data_dir / self.local_name


def require_writable(url: StoreUrl) -> None:
    """Check that rows can be written where an address leads.

    Raises:
        ConfigError: it leads to a lake.
    """
    if url.is_lake:
        raise ConfigError(
            f"{url.shown} is a lake, which is written by publishing only. Name the store that holds the rows, and "
            f"publish it afterwards: asp-analysis publish {url.shown}"
        )


def require_posix() -> None:
    """Check that this system has the file locks that keep processes from spoiling each other's files.

    Raises:
        ConfigError: it has none, as Windows.
    """
    if find_spec("fcntl") is None:
        raise ConfigError(
            "This system has no POSIX file locks (fcntl), which the workbench needs. Use Linux or macOS; on Windows, "
            "use the Windows Subsystem for Linux."
        )


def check_utf8(text: str, what: str) -> None:
    """Check that a text from the system is UTF-8: others can be no name in a database, in JSON or on a page.

    Raises:
        ConfigError: it is not; `what` says what it is.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise ConfigError(f"{what} is not UTF-8: {shown}. Rename it, or write it in UTF-8.") from None


def project_dir() -> Path:
    """Return the folder of the project: the nearest one, from the current folder upwards, that holds a store.

    It holds one if it has `data/asp_telemetry.db`, or an `.env` that names a store. Without any, it is the checkout
    that the package is in, else the current folder.
    """
    here = Path.cwd()
    checkout = _PACKAGE_DIR.parent
    otherwise = checkout if (checkout / "database").is_dir() else here
    return next((folder for folder in (here, *here.parents) if _holds_store(folder)), otherwise)


def _holds_store(folder: Path) -> bool:
    try:
        if (folder / _DEFAULT_FILE).is_file():
            return True
        noted = folder / ".env"
        return noted.is_file() and bool(dotenv_values(noted).get("DATABASE_URL"))
    except OSError:  # a folder that may not be entered
        return False


def supplied_dir(name: str) -> Path:
    """Return a folder that comes with the package: next to it in a checkout, inside it in an installed wheel."""
    is_checkout = (_PACKAGE_DIR.parent / "pyproject.toml").is_file()
    return _PACKAGE_DIR.parent / name if is_checkout else _PACKAGE_DIR / f"_{name}"


def store_url(option: str | None = None) -> StoreUrl:
    """Decide which store is meant: `option` (`--db`), else DATABASE_URL of the environment, else `.env`, else SQLite.

    A relative path is relative to the current folder where it was typed or exported, and to the project's folder where
    it comes from `.env` or is the default: notebooks run in a folder of their own and must find the same file.

    Raises:
        ConfigError: the address is of no kind that the workbench knows.
    """
    if option:
        return parse_url(option, Path.cwd())
    if exported := os.environ.get("DATABASE_URL"):
        return parse_url(exported, Path.cwd())
    noted = dotenv_values(project_dir() / ".env").get("DATABASE_URL")
    return parse_url(noted or DEFAULT_URL, project_dir())


def parse_url(text: str, base_dir: Path) -> StoreUrl:
    """Read `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://...`, a plain path to a SQLite file, or the
    address of a lake: `lake:///folder`, `s3://bucket/prefix`, `gs://...`, `abfss://...`.
    """
    scheme, separator, rest = text.partition("://")
    if not separator and not text.startswith(_ALMOST_SCHEMES):
        return _sqlite_url(text, base_dir)
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _server_url(f"postgresql://{rest}")
    if separator and scheme in LAKE_SCHEMES:
        return _lake_url(scheme, rest)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return _sqlite_url(unquote(rest[1:]).partition("?")[0], base_dir)
    shown = f"{scheme}://..." if separator else f"{re.split('[:/]', text)[0]}..."  # the rest may hold a password
    raise ConfigError(
        f"{shown} is not the address of a store. Write sqlite:///data/asp_telemetry.db, postgresql://user@host/name, "
        "or that of a lake: lake:///folder or s3://bucket/prefix."
    )


def lake_url(text: str, base_dir: Path) -> StoreUrl:
    """Read the address of a lake as `parse_url` does; a plain path is the folder of one.

    Raises:
        ConfigError: it is the address of a store, or of nothing that the workbench knows.
    """
    if "://" not in text and not re.match(r"\w+:", text):
        return _lake_url("lake", os.path.normpath(base_dir / Path(text).expanduser()))
    url = parse_url(text, base_dir) if "://" in text else None
    if url is not None and url.is_lake:
        return url
    shown = url.shown if url is not None else f"{text.partition(':')[0]}:..."  # the rest may hold a password
    raise ConfigError(
        f"{shown} is not a lake. Write a folder, lake:///folder, s3://bucket/prefix, gs://..., or abfss://..."
    )


def _server_url(text: str) -> StoreUrl:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:  # what it says may quote a part of the password
        raise ConfigError(
            "The host or port in the address of the server cannot be read. Write "
            "postgresql://user@host:5432/name; in a password / is written %2F and @ is written %40."
        ) from None
    if any(name.startswith("password") for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ConfigError(
            "The address of the server has its password behind ?. Write it as user:PASSWORD@host, or keep it in "
            "PGPASSWORD or in ~/.pgpass."
        )
    if not parts.path.strip("/"):
        raise ConfigError(
            f"The address {StoreUrl(text, None).shown} has no name of a database. Write postgresql://user@host/name."
        )
    return StoreUrl(text, None)


def _lake_url(scheme: str, rest: str) -> StoreUrl:
    """Read the address of a lake: a folder from the root, or a bucket with a prefix.

    Raises:
        ConfigError: it names neither, or holds what belongs into the environment.
    """
    if scheme == "lake" and not rest.startswith("/"):
        raise ConfigError(
            f"lake://{rest} has no folder from the root. Write lake:///folder/of/the/lake, or s3://bucket/prefix."
        )
    place = rest.partition("/")[0]
    if scheme != "lake" and ("?" in rest or "#" in rest or ((":" in place or "@" in place) and scheme != "abfss")):
        raise ConfigError(
            f"The address of a lake in a bucket is {scheme}://bucket/prefix and nothing else. Keep credentials in the "
            "environment or in a profile of the cloud's own programs."
        )
    if scheme != "lake" and not place:
        raise ConfigError(f"{scheme}:// has no name of a bucket. Write {scheme}://bucket/prefix.")
    folder = os.path.normpath(rest) if scheme == "lake" else rest.rstrip("/")
    check_utf8(folder, "The address of the lake")
    return StoreUrl(f"{scheme}://{folder}", None)


def _sqlite_url(name: str, base_dir: Path) -> StoreUrl:
    path = Path(os.path.normpath(base_dir / Path(name).expanduser()))
    check_utf8(str(path), "The path of the store")
    return StoreUrl(f"sqlite:///{path}", path)
