"""Long work says how far it is; whoever wants to know listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far one part of the work is: `done` of `total` in some unit; without a total nobody knows how much it is."""

    part: str
    done: int = 0
    total: int | None = None
    unit: str = "rows"


_listener: ContextVar[Callable[[Step], None] | None] = ContextVar("asp_progress", default=None)


def tell(step: Step) -> None:
    """Say how far the work at hand is; costs next to nothing where nobody listens."""
    if (listener := _listener.get()) is not None:
        listener(step)


def is_heard() -> bool:
    """Return whether somebody listens: only then is it worth counting the work."""
    return _listener.get() is not None


@contextmanager
def listening(listener: Callable[[Step], None]) -> Iterator[None]:
    """Let a function hear all steps that this thread says within the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
