"""ASP analytics workbench: costs, estimates, defects and earned autonomy of AI coding agents.

`import asp_analysis as asp; db = asp.connect()` opens the store for reading. Names are imported on first use, so that
the command line loads only what a verb needs.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_HOMES = {"connect": "asp_analysis.session", "Session": "asp_analysis.session"}

__all__ = ["Session", "__version__", "connect"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import_module("asp_analysis.config").require_posix()
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
