"""Members of a zip file, one at a time and bounded; also those packed with zstd, which Python cannot unpack."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from asp_analysis.errors import InputError
from asp_analysis.importers.file import LARGEST_DOCUMENT, SourceFile, check_unpacked, unpack_zstd

_ZSTD_METHOD = 93
_HEADER_BYTES, _NAME_LENGTH_AT = 30, 26


class Archive:
    """An open zip file."""

    def __init__(self, file: SourceFile, stream: BinaryIO) -> None:
        self._file, self._stream = file, stream
        self._zip = zipfile.ZipFile(stream)
        self._unpacked = 0
        self.names = [member.filename for member in self._zip.infolist()]

    def content(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            ValueError: it is damaged or too large.
            InputError: all members unpack to far more than telemetry does.
        """
        member = self._zip.getinfo(name)
        try:
            if member.compress_type == _ZSTD_METHOD:
                data = unpack_zstd(self._packed(member), LARGEST_DOCUMENT)
            else:
                with self._zip.open(member) as stream:
                    data = stream.read(LARGEST_DOCUMENT + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise ValueError(f"it cannot be unpacked: {error}") from None
        if len(data) > LARGEST_DOCUMENT:
            raise ValueError(f"it unpacks to more than {LARGEST_DOCUMENT:,} bytes")
        self._unpacked += len(data)
        check_unpacked(self._file, self._unpacked)
        return data

    def _packed(self, member: zipfile.ZipInfo) -> bytes:
        self._stream.seek(member.header_offset)
        header = self._stream.read(_HEADER_BYTES)
        lengths = header[_NAME_LENGTH_AT:_HEADER_BYTES]
        self._stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
        return self._stream.read(min(member.compress_size, LARGEST_DOCUMENT))


@contextmanager
def open_archive(file: SourceFile) -> Iterator[Archive]:
    """Open a zip file.

    Raises:
        InputError: it is none, or damaged.
    """
    with file.open_bytes() as stream:
        try:
            archive = Archive(file, stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise InputError(f"{file.name} cannot be read as an archive: {error}. Copy it again.") from None
        yield archive
