"""The one place where an error of the recorder ends: it is logged, and the agent goes on."""

import logging
from types import TracebackType

log = logging.getLogger("asp_analysis.capture")


class Shield:
    """A `with` block whose errors are logged and not raised; whoever interrupts the program still gets through.

    Everywhere else a broad catch hides defects. Here it is the purpose: measuring an agent must never stop it, whatever
    goes wrong, and the log holds the whole traceback.
    """

    def __init__(self, doing: str) -> None:
        """Say what is being done, for the log."""
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is None or error is None or not issubclass(kind, Exception):
            return False
        log.error("%s failed, the agent goes on: %s", self._doing, error, exc_info=(kind, error, trace))
        return True
