"""A file on disk as bytes and as lines of text: gzip, byte order marks, encodings and sizes without bound end here."""

import codecs
import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from asp_analysis.errors import InputError

LONGEST_LINE = 64 * 2**20
"""Bytes of a line, characters of a CSV record: real ones stay far below, and nothing longer is held in memory."""

LARGEST_DOCUMENT = 256 * 2**20
"""Bytes of a JSON document, which must be read as a whole."""

_LARGEST_RATIO, _UNPACKED_FREELY = 250, 64 * 2**20  # telemetry packs 10 to 50 times; gzip itself ends at 1,032
_BEGINNING, _LAST_NS = 4_096, 2**63 - 1
_GZIP_MAGIC = b"\x1f\x8b"
_MARKS = (  # longest first: the UTF-32 mark begins with the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Source:
    """A readable file: its path, its SHA-256 and its size as it lies on disk."""

    path: Path
    sha256: str
    size_bytes: int

    @property
    def name(self) -> str:
        """The path as the user gave it; it stands in messages, in `load_log` and in `load_reject`."""
        return file_name(self.path)


def file_name(path: str | Path) -> str:
    """Give a path as a text that can be stored and printed: bytes of it that are not UTF-8 become visible escapes."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def open_source(path: Path) -> Source:
    """Check that `path` is a readable file and take its fingerprint.

    Raises:
        InputError: it is missing, a folder, or not readable.
    """
    if not path.exists():
        raise InputError(f"A file to load is needed, {path} does not exist. Check the path.")
    if path.is_dir():
        raise InputError(f"A file to load is needed, {path} is a folder. Name the files in it.")
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, and could be read only once
        raise InputError(f"A regular file is needed, {path} is a pipe, a socket or a device. Copy its data to a file.")
    sha256, size_bytes = _fingerprint(path)
    return Source(path, sha256, size_bytes)


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file as it lies on disk.

    Raises:
        InputError: it is not readable.
    """
    return _fingerprint(path)[0]


def modified_at_ns(path: Path) -> int:
    """Give a file's time of change; taken before it is read, so that a later change is seen the next time.

    Raises:
        InputError: there is no such file, or it cannot be looked at.
    """
    try:
        return min(path.stat().st_mtime_ns, _LAST_NS)
    except FileNotFoundError:
        raise InputError(f"A file to load is needed, {path} does not exist. Check the path.") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _fingerprint(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
            return digest.hexdigest(), stream.tell()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"A readable file is needed, {path} gave: {error.strerror or error}. Check its permissions.")


class _Unpacked(gzip.GzipFile):
    """The content of a gzip file; one that unpacks to far more than telemetry does is refused while it is read."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed)
        self._packed_name, self._packed_bytes = str(packed.name), os.fstat(packed.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        """Read as GzipFile does."""
        data = super().read(size)
        if self.tell() > max(_UNPACKED_FREELY, _LARGEST_RATIO * self._packed_bytes):
            raise InputError(
                f"A gzip file of telemetry is needed, the {self._packed_bytes:,} bytes of {self._packed_name} unpack "
                f"to more than {_LARGEST_RATIO} times as many. Unpack it yourself if it is what it should be."
            )
        return data


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked where it is gzip (told by its first bytes, not by its name).

    Raises:
        InputError: it cannot be read; or it is packed, and damaged, cut short or a bomb.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == _GZIP_MAGIC
            stream.seek(0)
            yield _Unpacked(stream) if packed else stream  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(
            f"A whole gzip file is needed, {path} is damaged or cut short ({error}). Copy or pack it again."
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from None


@contextmanager
def open_text(path: Path, encoding: str = "utf-8") -> Iterator[io.TextIOWrapper]:
    """Open a file as text with its lines untouched, in `encoding` unless a byte order mark says another.

    Bytes that are not valid stay in the text as lone surrogates, so that only their own record is rejected.
    """
    with open_bytes(path) as stream:
        buffered = io.BufferedReader(stream)  # type: ignore[type-var]
        encoding = _encoding(buffered.peek(4)[:4], encoding)
        errors = "replace" if encoding in ("utf-16", "utf-32") else "surrogateescape"
        yield io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")


@contextmanager
def open_utf8_lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[Iterator[bytes]]:
    """Open a file as lines of UTF-8 bytes: four times faster than text where nothing needs to be decoded.

    A line of more than `longest` bytes comes as a `CutLine`; the rest of it is passed over.
    """
    with open_bytes(path) as stream:
        buffered = io.BufferedReader(stream)  # type: ignore[type-var]
        encoding = _encoding(buffered.peek(4)[:4])
        if encoding == "utf-8-sig":
            buffered.read(3)
        if encoding.startswith("utf-8"):
            yield _lines(buffered.readline, longest)
        else:
            text = io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="")
            yield _lines(lambda size: text.readline(size).encode(), longest)


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


def whole_document(path: Path, lines: Iterable[bytes]) -> bytes:
    """Join the lines of a file that holds one JSON document.

    Raises:
        InputError: they are more than may be read as a whole.
    """
    whole = bytearray()
    for line in lines:
        whole += line
        if len(whole) > LARGEST_DOCUMENT:
            raise InputError(
                f"JSON Lines, or a document of at most {LARGEST_DOCUMENT:,} bytes, is needed, {path} is larger. "
                "Write one object a line (jq -c), or split it."
            )
    return bytes(whole)


def beginning(path: Path) -> str:
    """Give the first characters of a file from the first that is not blank, enough to tell what it is.

    Empty where the file is empty, or where blanks go on for too long.
    """
    with open_text(path) as stream:
        for _ in range(256):
            text = stream.read(_BEGINNING)
            if not text or text.lstrip("\ufeff \t\r\n"):
                return text.lstrip("\ufeff \t\r\n")
    return ""


def _encoding(head: bytes, otherwise: str = "utf-8") -> str:
    return next((name for mark, name in _MARKS if head.startswith(mark)), otherwise)


def is_decoded(text: str) -> bool:
    """Tell whether all bytes of a text from `open_text` were valid in its encoding."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def decoded(line: bytes) -> str:
    """Give a line of UTF-8 bytes as text; what is not UTF-8 stays as lone surrogates."""
    return line.decode("utf-8", errors="surrogateescape")
