"""Which files were loaded before as they are now. Light: a daily load that finds nothing new takes no time.

Only transcripts can be passed over: their merge does not depend on the order, so that reading one again changes
nothing. Of tables the later value wins, so that they are read whenever they are loaded.
"""

import json
from collections.abc import Iterable
from typing import Any

from asp_analysis import pricing
from asp_analysis.config import StoreUrl
from asp_analysis.importers.file import file_name, state_with_log
from asp_analysis.importers.folders import FoundFile
from asp_analysis.importers.format import TRANSCRIPT
from asp_analysis.importers.transcripts.calls import Reading
from asp_analysis.store.log import LoadResult, read_last_loads, unchanged_result

READER_VERSION = 4
"""Grows when a reader learns to see more in the same file: such files are then read again."""


def transcript_options(reading: Reading, prices: pricing.OwnPrices | None) -> dict[str, Any]:
    """Return all that a transcript's rows depend on besides the file itself."""
    return {
        "reader": READER_VERSION,
        "task_from": reading.task_from,
        "roles": [list(rule) for rule in reading.roles],
        "keep_text": reading.keep_text,
        **({"is_of_this_machine": True} if reading.is_of_this_machine else {}),
        **({"stamps": [list(stamp) for stamp in reading.stamps]} if reading.stamps else {}),
        "prices": [pricing.library_version(), prices.fingerprint if prices else None],
    }


def is_same(logged: dict[str, Any], size_bytes: int, options: dict[str, Any]) -> bool:
    """Return whether a logged load was of a transcript of this size under these options."""
    is_transcript = logged["loaded_as"] == TRANSCRIPT and logged["size_bytes"] == size_bytes
    return is_transcript and json.loads(logged["options_json"]) == options


def all_unchanged(url: StoreUrl, files: Iterable[FoundFile], options: dict[str, Any]) -> list[LoadResult] | None:
    """Return the outcome of every file where all are unchanged, by size and time of change; None where one is not."""
    logged = read_last_loads(url.path) if url.path is not None else {}
    results = []
    for file in files:
        row = logged.get(file_name(file.path))
        if row is None:
            return None
        try:
            now = file.path.stat()
        except OSError:
            return None
        size_bytes, modified_ns = state_with_log(file.path, now)
        if row["modified_ns"] != modified_ns or not is_same(row, size_bytes, options):
            return None
        results.append(unchanged_result(row))
    return results or None
