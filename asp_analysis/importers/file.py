"""A file on disk, opened once: gzip, byte order marks, encodings and sizes without bound end here."""

import codecs
import gzip
import hashlib
import io
import itertools
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO

from asp_analysis.errors import InputError
from asp_analysis.importers.sqlite_file import MAGIC, Database, open_database
from asp_analysis.importers.sqlite_file import reading as reading_sqlite

LONGEST_LINE = 64 * 2**20
"""Bytes of a line, characters of a CSV record: real ones stay far below, and nothing longer is held in memory."""

LARGEST_DOCUMENT = 256 * 2**20
"""Bytes of a JSON document, which must be read as a whole."""

_LARGEST_RATIO, _UNPACKED_FREELY = 250, 64 * 2**20  # telemetry packs 10 to 50 times; gzip itself ends at 1,032
_BEGINNING, _LAST_NS = 4_096, 2**63 - 1
_HEAD_LINES = 60
_BUFFER_BYTES = 2**17
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PACKED_SUFFIXES = (".gz", ".zst")
_NEVER_SQLITE = (*PACKED_SUFFIXES, ".jsonl", ".json", ".csv")
_BYTE_ORDER_MARKS = (  # longest first: the UTF-32 mark begins with the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class SourceFile:
    """A file that is being loaded: opened once, then read from its beginning as often as its format wants.

    Its hash, its head and its records come from the same open file, whatever happens to its name meanwhile.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._descriptor = descriptor
        self.path = path
        self.size_bytes, modified_ns = state_with_log(path, os.fstat(descriptor))
        self.modified_ns = min(modified_ns, _LAST_NS)
        self._latest: _Reading | None = None
        self.opened = ExitStack()

    @cached_property
    def name(self) -> str:
        """The path as the user gave it; it is in messages, in `load_log` and in `load_reject`."""
        return file_name(self.path)

    @cached_property
    def sha256(self) -> str:
        """The hash of the file as it is on disk; of a SQLite file with its write-ahead log.

        Raises:
            InputError: it cannot be read.
        """
        digest = hashlib.sha256()
        try:
            with self._open_raw() as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
            if (log := log_of(self.path)) is not None and log.is_file():
                digest.update(log.read_bytes())
        except OSError as error:
            raise _unreadable(self.path, error) from None
        return digest.hexdigest()

    @cached_property
    def head(self) -> "Head":
        """The beginning of the file, from which its format is detected."""
        return Head(self)

    @cached_property
    def database(self) -> Database:
        """The SQLite file as it is now, open until this file is closed.

        Raises:
            InputError: SQLite cannot read it.
        """
        return self.opened.enter_context(open_database(self.path, self.name, self.open_bytes))

    def _open_raw(self) -> io.BufferedReader:
        self._latest = _Reading(self._descriptor)
        return io.BufferedReader(self._latest, _BUFFER_BYTES)

    @property
    def read_share(self) -> float:
        """How much of the file the latest reading has read (0 to 1), packed or not."""
        return 0.0 if self._latest is None or not self.size_bytes else min(1.0, self._latest.tell() / self.size_bytes)

    @contextmanager
    def open_bytes(self) -> Iterator[BinaryIO]:
        """Read the content, unpacked where it is gzip or zstd (detected by its first bytes, not by its name).

        Raises:
            InputError: it cannot be read; or it is packed, and damaged, cut short or a bomb.
        """
        try:
            with self._open_raw() as stream:
                magic = stream.read(4)
                stream.seek(0)
                if magic == _ZSTD_MAGIC:
                    yield _open_zstd(self, stream)
                else:
                    yield _Unpacked(self, stream) if magic[:2] == _GZIP_MAGIC else stream  # type: ignore[misc]
        except (gzip.BadGzipFile, EOFError, zlib.error, _DamagedZstd) as error:
            raise InputError(
                f"The packed file {self.name} is damaged or cut short ({error}). Copy or pack it again."
            ) from None
        except OSError as error:
            raise _unreadable(self.path, error) from None

    @contextmanager
    def open_text(self, encoding: str = "utf-8") -> Iterator[io.TextIOWrapper]:
        """Read text with its lines untouched, in `encoding` unless a byte order mark says another.

        Bytes that are not valid stay in the text as lone surrogates, so that only their own record is rejected.
        """
        with self.open_bytes() as stream:
            buffered = io.BufferedReader(stream)  # type: ignore[type-var]
            encoding = _encoding(buffered.peek(4)[:4], encoding)
            errors = "replace" if encoding in ("utf-16", "utf-32") else "surrogateescape"
            yield io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")

    @contextmanager
    def open_lines(self, longest: int | None = None) -> Iterator[Iterator[bytes]]:
        """Read lines of UTF-8 bytes: four times faster than text where nothing needs to be decoded.

        A line of more than `longest` bytes (`LONGEST_LINE` where None) comes as a `CutLine` without its rest.
        """
        longest = LONGEST_LINE if longest is None else longest
        with self.open_bytes() as stream:
            buffered = io.BufferedReader(stream)  # type: ignore[type-var]
            encoding = _encoding(buffered.peek(4)[:4])
            if encoding == "utf-8-sig":
                buffered.read(3)
            if encoding.startswith("utf-8"):
                yield _lines(buffered.readline, longest)
            else:
                text = io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="")
                yield _lines(lambda size: text.readline(size).encode(), longest)


@contextmanager
def open_file(path: Path) -> Iterator[SourceFile]:
    """Open a file that is to be loaded.

    Raises:
        InputError: it is missing, a folder, a pipe or a device, or it cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{file_name(path)} is a folder. Name the files in it.")
        if not stat.S_ISREG(mode):  # a pipe would be waited for, and could be read only once
            raise InputError(f"{file_name(path)} is a pipe, a socket or a device. Copy its data to a file.")
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError(f"The file {file_name(path)} does not exist. Check the path.") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        file = SourceFile(path, descriptor)
        with file.opened:
            yield file
    finally:
        os.close(descriptor)


def log_of(path: Path) -> Path | None:
    """Return where the write-ahead log of a SQLite file would be; None for a file that is none by its name."""
    return None if path.suffix in _NEVER_SQLITE else path.with_name(path.name + "-wal")


def state_with_log(path: Path, about: os.stat_result) -> tuple[int, int]:
    """Return size in bytes and time of change in nanoseconds of a file; of a SQLite file with its write-ahead log."""
    try:
        log = os.stat(found) if (found := log_of(path)) is not None else None  # noqa: PTH116 - fifty thousand files
    except OSError:
        log = None
    if log is None:
        return about.st_size, about.st_mtime_ns
    return about.st_size + log.st_size, max(about.st_mtime_ns, log.st_mtime_ns)


def file_name(path: str | Path) -> str:
    """Return a path as a text that can be stored and printed: bytes of it that are not UTF-8 become visible escapes."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _unreadable(path: Path, error: OSError) -> InputError:
    found = error.strerror or error
    return InputError(f"{file_name(path)} cannot be read: {found}. Check its permissions.")


class Head:
    """The beginning of a file: all that formats may look at to recognise it."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file

    @cached_property
    def magic(self) -> bytes:
        """The first 16 bytes, unpacked."""
        with self._file.open_bytes() as stream:
            return stream.read(16)

    @cached_property
    def members(self) -> frozenset[str]:
        """The names of the members of a zip file; empty where it is none, or damaged."""
        if not self.magic.startswith(b"PK\x03\x04"):
            return frozenset()
        try:
            with self._file.open_bytes() as stream, zipfile.ZipFile(stream) as archive:
                return frozenset(archive.namelist())
        except (InputError, zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
            return frozenset()

    @cached_property
    def tables(self) -> Mapping[str, frozenset[str]]:
        """The tables of a SQLite file and their columns; empty where it is none, or damaged."""
        if self.magic != MAGIC:
            return {}
        try:
            with reading_sqlite(self._file.name):
                return self._file.database.tables
        except InputError:
            return {}

    @cached_property
    def text(self) -> str:
        """The first characters from the first that is not blank; empty where there are none, or blanks do not end."""
        with self._file.open_text() as stream:
            for _ in range(256):
                text = stream.read(_BEGINNING)
                if not text or text.lstrip("\ufeff \t\r\n"):
                    return text.lstrip("\ufeff \t\r\n")
        return ""

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """The first JSON objects, one a line, or the one document as a list of one; empty where there is no JSON.

        Raises:
            InputError: the file is one JSON document that is too large.
        """
        return self._json[0]

    @property
    def is_document(self) -> bool:
        """Whether the file is one JSON document: it begins an array, or an object that goes over several lines.

        Raises:
            InputError: it is too large.
        """
        return self.text.startswith("[") or self._json[1]

    @cached_property
    def _json(self) -> tuple[list[dict[str, Any]], bool]:
        """The first objects, and whether the whole file is one object."""
        if not self.text.startswith(("{", "[")):
            return [], False
        lines: list[bytes] = []
        with self._file.open_lines(LARGEST_DOCUMENT) as stream:
            for line in stream:
                if not line.isspace():
                    lines.append(line)
                if len(lines) >= _HEAD_LINES or sum(map(len, lines)) > LARGEST_DOCUMENT:
                    break
            objects = [value for value in map(_parsed, lines) if isinstance(value, dict)]
            if objects and (len(objects) > 1 or len(lines) == 1):
                return objects, False
            document = _parsed(whole_document(self._file.name, itertools.chain(lines, stream)))
        if isinstance(document, list):
            return [value for value in document if isinstance(value, dict)], False
        return ([document], True) if isinstance(document, dict) else (objects, False)


def _parsed(content: bytes) -> Any:
    from asp_analysis.importers.json_text import read_json  # a load that finds nothing new parses nothing

    try:
        return read_json(content)
    except ValueError:
        return None


class _Reading(io.RawIOBase):
    """One reading of an open file, at a place of its own: several may go on at the same time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._place = descriptor, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as `io.RawIOBase` says."""
        size = os.preadv(self._descriptor, [buffer], self._place)
        self._place += size
        return size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as `io.RawIOBase` says."""
        from_where = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: os.fstat(self._descriptor).st_size}
        self._place = from_where[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place


class _Unpacked(gzip.GzipFile):
    """The content of a gzip file; one that unpacks to far more than telemetry does is refused while it is read."""

    def __init__(self, file: SourceFile, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed)
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        """Read as GzipFile does."""
        data = super().read(size)
        check_unpacked(self._file, self.tell())
        return data


class _DamagedZstd(Exception):
    """What pyarrow says of a zstd file that it cannot unpack."""


class _Zstd(io.RawIOBase):
    """The content of a zstd file, bounded as that of a gzip file is."""

    def __init__(self, file: SourceFile, packed: BinaryIO) -> None:
        import pyarrow

        self._file, self._errors = file, (pyarrow.ArrowException, OSError)
        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(packed, mode="r"), "zstd")
        self._unpacked = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as `io.RawIOBase` says."""
        try:
            data = self._stream.read(len(buffer))
        except self._errors as error:
            raise _DamagedZstd(str(error).split("\n")[0]) from None
        self._unpacked += len(data)
        check_unpacked(self._file, self._unpacked)
        buffer[: len(data)] = data
        return len(data)


def unpack_zstd(content: bytes, most_bytes: int) -> bytes:
    """Unpack a piece of zstd data.

    Raises:
        ValueError: it is damaged, or unpacks to more than `most_bytes`.
    """
    import pyarrow

    try:
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(content), "zstd") as stream:
            data: bytes = stream.read(most_bytes + 1)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"it is not zstd: {str(error).splitlines()[0]}") from None
    if len(data) > most_bytes:
        raise ValueError(f"it unpacks to more than {most_bytes:,} bytes")
    return data


def _open_zstd(file: SourceFile, packed: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Zstd(file, packed), _BUFFER_BYTES)


def check_unpacked(file: SourceFile, unpacked_bytes: int) -> None:
    """Refuse a packed file that unpacks to far more than telemetry does.

    Raises:
        InputError: it does.
    """
    if unpacked_bytes > max(_UNPACKED_FREELY, _LARGEST_RATIO * file.size_bytes):
        raise InputError(
            f"The {file.size_bytes:,} bytes of {file.name} unpack to more than {_LARGEST_RATIO} times as many, which "
            "telemetry does not. Unpack it yourself if it is what it should be."
        )


class CutLine(bytes):
    """Stands for a line that is too long to be held: the reason in brackets, then its beginning. It is no JSON."""

    @property
    def reason(self) -> str:
        """Why the line is not here."""
        return self[1 : self.index(b")")].decode()


def _lines(readline: Callable[[int], bytes], longest: int) -> Iterator[bytes]:
    for line in iter(partial(readline, longest + 1), b""):
        yield line if len(line) <= longest or line.endswith(b"\n") else _cut(line, readline, longest)


def _cut(begun: bytes, readline: Callable[[int], bytes], longest: int) -> CutLine:
    beginning, size = begun[:200], len(begun)
    del begun
    while piece := readline(2**20):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return CutLine(f"(a line of {size:,} bytes, at most {longest:,} are read) ".encode() + beginning)


def whole_document(name: str, lines: Iterable[bytes]) -> bytes:
    """Join the lines of a file that holds one JSON document.

    Raises:
        InputError: they are more than may be read as a whole.
    """
    whole = bytearray()
    for line in lines:
        whole += line
        if len(whole) > LARGEST_DOCUMENT:
            raise InputError(
                f"{name} is one JSON document of more than {LARGEST_DOCUMENT:,} bytes, the most that is read "
                "as a whole. Write one object a line (jq -c), or split it."
            )
    return bytes(whole)


def _encoding(head: bytes, otherwise: str = "utf-8") -> str:
    return next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), otherwise)


def is_decoded(text: str) -> bool:
    """Return whether all bytes of a text from `open_text` were valid in its encoding."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def decoded(line: bytes) -> str:
    """Return a line of UTF-8 bytes as text; what is not UTF-8 stays as lone surrogates."""
    return line.decode("utf-8", errors="surrogateescape")
