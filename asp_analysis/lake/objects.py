"""The objects of a lake by their paths, in a folder or in a bucket: what is written appears whole or not at all.

A folder needs nothing but this module. Buckets are reached by obstore, which finds their credentials as each cloud's
own programs do: in the environment, in a profile, from the machine's role. None is ever part of an address.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol
from uuid import uuid4

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError

BUCKET_SCHEMES = ("s3", "gs", "abfss")

_FOLDER_TRIES = 5
_WITHOUT_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems say that know no second name of a file, such as shares of Windows."""

_UNFINISHED = ".part-"
"""Between the name of an object that a folder does not hold yet and the mark of who writes it."""


@dataclass(frozen=True)
class StoredObject:
    """An object: its path from the root of the lake, its size and when it was written."""

    path: str
    size_bytes: int
    written_at: datetime


class Storage(Protocol):
    """What a lake is kept in. Paths are relative to its root, with `/` between their parts."""

    def read(self, path: str) -> bytes | None:
        """Return what an object holds, None where there is none."""

    def stamp(self, path: str) -> tuple[str | int, ...] | None:
        """Return what differs once an object was replaced, without reading it; None where there is none."""

    def list_below(self, folder: str) -> list[StoredObject]:
        """List the objects below a folder at any depth, in the order of their paths."""

    def list_unfinished(self, folder: str) -> list[str]:
        """List what writers that were killed left below a folder: parts of objects, which no other call sees."""

    def list_folders(self, folder: str) -> list[str]:
        """List the names of the folders right in a folder."""

    def replace(self, path: str, content: bytes) -> None:
        """Write an object in one step, whether or not there is one already."""

    def create(self, path: str, content: bytes) -> bool:
        """Write an object in one step where there is none; return False, and leave it, where there is one."""

    def upload(self, path: str, file: Path) -> None:
        """Write an object that holds what a file holds."""

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; those that are gone already are passed over."""

    def address(self, path: str) -> str:
        """Return where a program that reads Parquet finds an object: a path, or the address in the bucket."""


def open_storage(url: StoreUrl) -> Storage:
    """Return the objects of a lake; whether it can be reached shows with the first of them.

    Raises:
        StoreError: what reads this kind of bucket is not installed.
    """
    folder = url.lake_folder
    return _Folder(folder) if folder is not None else _Bucket(url)


class _Folder:
    """A folder, which may be on a share: an object is a file, written under another name and then renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        with _explained(self._folder):
            try:
                return (self._folder / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def stamp(self, path: str) -> tuple[str | int, ...] | None:
        with _explained(self._folder):
            try:
                found = (self._folder / path).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def list_below(self, folder: str) -> list[StoredObject]:
        found = []
        with _explained(self._folder):
            for parent, _, names in os.walk(self._folder / folder, onerror=_raise_unless_gone):
                for name in names:
                    if _UNFINISHED in name:
                        continue
                    file = Path(parent) / name
                    with suppress(FileNotFoundError):
                        found.append(_describe(file, file.relative_to(self._folder).as_posix()))
        return sorted(found, key=lambda one: one.path)

    def list_unfinished(self, folder: str) -> list[str]:
        with _explained(self._folder):
            found = sorted((self._folder / folder).rglob(f"*{_UNFINISHED}*"))
        return [path.relative_to(self._folder).as_posix() for path in found]

    def list_folders(self, folder: str) -> list[str]:
        with _explained(self._folder):
            try:
                return sorted(entry.name for entry in os.scandir(self._folder / folder) if entry.is_dir())
            except FileNotFoundError:
                return []

    def replace(self, path: str, content: bytes) -> None:
        with _explained(self._folder), self._written(path, BytesIO(content)) as part:
            part.replace(self._folder / path)

    def create(self, path: str, content: bytes) -> bool:
        with _explained(self._folder), self._written(path, BytesIO(content)) as part:
            return self._link(part, self._folder / path, content)

    def upload(self, path: str, file: Path) -> None:
        with _explained(self._folder), file.open("rb") as source, self._written(path, source) as part:
            part.replace(self._folder / path)

    def delete(self, paths: Iterable[str]) -> None:
        with _explained(self._folder):
            for path in paths:
                (self._folder / path).unlink(missing_ok=True)
                with suppress(OSError):  # other files are in one of them
                    for folder in list(PurePosixPath(path).parents)[:-2]:
                        (self._folder / folder).rmdir()

    def address(self, path: str) -> str:
        return str(self._folder / path)

    @staticmethod
    def _link(part: Path, target: Path, content: bytes) -> bool:
        """Name a written part where there is no such file yet; a share without links makes the file first."""
        try:
            os.link(part, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _WITHOUT_LINKS:
                raise
            try:
                with target.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                return False
        return True

    @contextmanager
    def _written(self, path: str, content: BinaryIO) -> Iterator[Path]:
        """Write the content next to where it belongs; the part is gone when the block has ended."""
        target = self._folder / path
        part = target.with_name(f"{target.name}{_UNFINISHED}{uuid4().hex}")
        try:
            with _made(part) as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fsync(file.fileno())
            yield part
        finally:
            part.unlink(missing_ok=True)


def _made(file: Path) -> BinaryIO:
    """Return a new file, open for writing, and its folder: another process may remove an empty one in between."""
    for _ in range(_FOLDER_TRIES):
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return file.open("xb")
    return file.open("xb")


class _Bucket:
    """A bucket of S3, Google or Azure, or of what speaks as S3 does, and a prefix in it."""

    def __init__(self, url: StoreUrl) -> None:
        try:
            import obstore
            from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
            from obstore.store import from_url
        except ImportError:
            raise StoreError(
                f"{url.shown} is a lake in a bucket, which needs the extra lake. Install it: "
                "pip install 'asp-analysis[lake]'"
            ) from None
        self._root, self._obstore = url.text.rstrip("/"), obstore
        self._there, self._failures, self._gone = (
            (AlreadyExistsError, PreconditionError),
            BaseError,
            (NotFoundError, FileNotFoundError),
        )
        with self._explained():
            self._store = from_url(self._root)

    def read(self, path: str) -> bytes | None:
        with self._explained():
            try:
                return bytes(self._obstore.get(self._store, path).bytes())
            except self._gone:
                return None

    def stamp(self, path: str) -> tuple[str | int, ...] | None:
        with self._explained():
            try:
                found = self._obstore.head(self._store, path)
            except self._gone:
                return None
        return found["e_tag"] or "", found["size"], found["last_modified"].isoformat()

    def list_below(self, folder: str) -> list[StoredObject]:
        with self._explained():
            chunks = self._obstore.list(self._store, f"{folder}/")
            found = [StoredObject(one["path"], one["size"], one["last_modified"]) for chunk in chunks for one in chunk]
        return sorted(found, key=lambda one: one.path)

    def list_unfinished(self, folder: str) -> list[str]:
        return []  # a bucket shows an object when it is whole

    def list_folders(self, folder: str) -> list[str]:
        with self._explained():
            found = self._obstore.list_with_delimiter(self._store, f"{folder}/")
        return sorted(PurePosixPath(prefix).name for prefix in found["common_prefixes"])

    def replace(self, path: str, content: bytes) -> None:
        with self._explained():
            self._obstore.put(self._store, path, content)

    def create(self, path: str, content: bytes) -> bool:
        with self._explained():
            try:
                self._obstore.put(self._store, path, content, mode="create")
            except self._there:
                return False
        return True

    def upload(self, path: str, file: Path) -> None:
        with self._explained():
            self._obstore.put(self._store, path, file)

    def delete(self, paths: Iterable[str]) -> None:
        wanted = list(paths)
        with self._explained(), suppress(*self._gone):
            if wanted:
                self._obstore.delete(self._store, wanted)

    def address(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise StoreError(_explain_bucket(self._root, error)) from None


def _explain_bucket(root: str, error: Exception) -> str:
    said = " ".join(str(error).partition("\n\nDebug source")[0].split())
    return (
        f"The lake {root} cannot be reached: {said[:300]}. Check the name, the network and the credentials "
        "in the environment."
    )


def _describe(file: Path, path: str) -> StoredObject:
    found = file.stat()
    return StoredObject(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The lake {folder} cannot be used: {error.strerror}: {error.filename or folder}. Check its permissions "
            "and its disk, or name another folder."
        ) from None
