"""What the workbench writes next to a store is as private as the store; and other names for persons."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from asp_analysis.config import StoreUrl


def is_private(url: StoreUrl) -> bool:
    """Return whether only the owner may read the store's file; False for a server."""
    try:
        return url.path is not None and not url.path.stat().st_mode & 0o077
    except OSError:
        return False


@contextmanager
def as_private_as(url: StoreUrl) -> Iterator[None]:
    """Let files and folders that are made within the block be the owner's alone if the store is."""
    if not is_private(url):
        yield
        return
    former = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(former)


def make_folder(folder: Path, url: StoreUrl) -> None:
    """Make a folder of the workbench next to the store; one that is there already is closed to others if the store is.

    Raises:
        OSError: it cannot be made.
    """
    with as_private_as(url):
        folder.mkdir(parents=True, exist_ok=True)
    if is_private(url) and folder.stat().st_mode & 0o077:
        with suppress(OSError):  # it is somebody else's
            folder.chmod(0o700)


def pseudonym_key_file(url: StoreUrl) -> Path:
    """Return where the key of a store's pseudonyms is."""
    return url.data_dir / f"{url.local_name}.pseudonyms.key"


def pseudonym_key(path: Path) -> bytes:
    """Return the key that pseudonyms are made with; a new one is made once, readable by its owner alone.

    Raises:
        OSError: it can be neither read nor made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    return path.read_bytes()


def pseudonym(person: str, key: bytes) -> str:
    """Return another name for a person: the same one under the same key, and none that leads back without it."""
    return f"person-{hashlib.blake2b(person.encode(), key=key, digest_size=5).hexdigest()}"
