"""Who may build: the one who could put the lease of the highest number, which only one can."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asp_analysis.errors import StoreError
from asp_analysis.lake.objects import Storage

BUILDS = "builds"
LEASE_S = 900
"""After so long without a sign of life the builder of another machine counts as gone."""


@dataclass
class Lease:
    """The right to make one build; `renew` is the sign of life."""

    storage: Storage
    number: int
    _told: dict[str, Any] = field(default_factory=dict)

    def renew(self) -> None:
        """Say that this builder is at work, and check that no other has taken over.

        Raises:
            StoreError: another one has, because it held this one for dead.
        """
        if max(_numbers(self.storage), default=0) != self.number:
            raise StoreError(
                "Another builder has taken over this lake, because this one said nothing for a long time. Build again."
            )
        self._told["renewed_at"] = datetime.now(UTC).isoformat()
        self.storage.replace(lease_path(self.number), json.dumps(self._told).encode())


def lease_path(number: int) -> str:
    """Return where the lease of a build is."""
    return f"{BUILDS}/{number:08}/lease.json"


@contextmanager
def leased(storage: Storage, former: int) -> Iterator[Lease]:
    """Hold the right to build, as the number of the next build; former: the number of the present one.

    Raises:
        StoreError: another builder is at work.
    """
    lease = _take(storage, former)
    try:
        yield lease
    finally:
        with suppress(StoreError):
            storage.delete(lease_path(number) for number in _numbers(storage) if number <= lease.number)


def _take(storage: Storage, former: int) -> Lease:
    held = max(_numbers(storage), default=0)
    _refuse_living(storage, held)
    lease = Lease(storage, max(held, former) + 1, {**_describe_holder(), "renewed_at": datetime.now(UTC).isoformat()})
    if not storage.create(lease_path(lease.number), json.dumps(lease._told).encode()):
        _refuse_living(storage, lease.number)
        raise StoreError("Another builder began at the same moment. Build again when it has finished.")
    return lease


def _refuse_living(storage: Storage, number: int) -> None:
    content = storage.read(lease_path(number)) if number else None
    if content is None:
        return
    told = _read_told(content)
    if _is_alive(told):
        raise StoreError(
            f"The lake is being built by process {told['pid']} on {told['host']}, since {told['renewed_at'][:19]} UTC "
            "at least. Wait until it has finished."
        )


def _read_told(content: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        told = json.loads(content)
        if isinstance(told, dict):
            return told
    return {}


def _numbers(storage: Storage) -> list[int]:
    paths = (one.path.split("/") for one in storage.list_below(BUILDS))
    return sorted(int(parts[1]) for parts in paths if parts[-1] == "lease.json" and parts[1].isdigit())


def _describe_holder() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "born": _born(os.getpid())}


def _is_alive(told: dict[str, Any]) -> bool:
    """Return whether the holder is at work: of this machine by its process, of another by its last sign of life."""
    if told.get("host") == socket.gethostname() and isinstance(told.get("pid"), int):
        try:
            os.kill(told["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return _born(told["pid"]) == told.get("born")
    with suppress(KeyError, ValueError, TypeError):
        return datetime.now(UTC) - datetime.fromisoformat(told["renewed_at"]) < timedelta(seconds=LEASE_S)
    return False


def _born(pid: int) -> str | None:
    """Return when a process started, as the system counts it; None where it does not say."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return None
