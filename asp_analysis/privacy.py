"""What the workbench writes next to a store is as private as the store."""

import os
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
