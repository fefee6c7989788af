"""What leaves the machine: free text stays at home, and of JSON what the views and the queries of the product read."""

import json
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Shape = Mapping[str, Any]
"""Keys of a JSON object that are kept -> True, the shape of the objects that the value is or lists, or `PRESENCE`."""

PRESENCE = "presence"
"""Of such a key is kept that it is there: `true`, or null where it is null."""

LEFT_AT_HOME: Mapping[str, tuple[str, ...]] = {
    "stg_tasks": ("task_description", "requirements_text", "human_corrections_json"),
    "stg_defects": ("description", "root_cause", "resolution_notes"),
    "stg_learning": ("notes", "secondary_metrics_json", "metadata_json"),
    "stg_changes": ("title",),
}
"""Staging view -> its columns that are empty in a lake: text in words, and JSON of which nothing reads a key."""

KEPT_KEYS: Mapping[str, Mapping[str, Shape]] = {
    "stg_executions": {
        "metadata_json": {
            "agent": True,
            "billing": True,
            "cache_write_1h": True,
            "failure_mode": True,
            "instructions_hash": True,
            "is_censored": True,
            "prompt_hash": True,
            "session_id": True,
            "web_searches": True,
        },
    },
    "stg_tasks": {
        "metadata_json": {
            "active_ms": True,
            "activity": {"turns": True},
            "closes": True,
            "compactions": True,
            "errors": True,
            "files_changed": True,
            "files_named": True,
            "forecasts": {
                "component": True,
                "estimate": True,
                "lower_70": True,
                "made_at": True,
                "method": True,
                "upper_70": True,
            },
            "git": PRESENCE,
            "interruptions": True,
            "labels": True,
            "lines_added": True,
            "lines_removed": True,
            "open_minutes": True,
            "pull_requests": PRESENCE,
            "review_rounds": True,
            "reviews_by_bots": True,
            "reviews_by_persons": True,
            "text_length": True,
            "waiting_minutes": True,
        },
        "semantic_units_json": {
            "api_interactions": True,
            "code_entities_modified": True,
            "data_transformations": True,
            "est_complexity": True,
            "logical_branches": True,
            "novelty": True,
            "unit_id": True,
        },
    },
    "stg_defects": {"metadata_json": {"assumed": True}},
    "stg_changes": {"metadata_json": {"issues": True}},
}
"""Staging view -> its columns of JSON -> what is kept of them. Labels of executions stay whole: people group by any."""


def take_out_text(table: pa.Table, view: str) -> pa.Table:
    """Return rows of a staging view without free text; the columns keep their places and types."""
    for name in LEFT_AT_HOME.get(view, ()):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.field(place), pa.nulls(table.num_rows, table.field(place).type))
    for name, shape in KEPT_KEYS.get(view, {}).items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.field(place), _reduce_column(table.column(place), shape))
    return table


def reduce_json(text: str, shape: Shape) -> str | None:
    """Return a JSON object, or a list of objects, with the keys of a shape alone; None where nothing is left.

    What cannot be read as JSON is left out: the views cannot read it either.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kept = _reduce(found, shape)
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else None


def _reduce_column(column: pa.ChunkedArray, shape: Shape) -> pa.ChunkedArray:
    coded = column.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    reduced = [text and reduce_json(text, shape) for text in coded.dictionary.to_pylist()]
    return pa.chunked_array([pc.take(_make_texts(reduced), coded.indices)], pa.string()).cast(column.type)


def _make_texts(texts: Sequence[str | None]) -> pa.Array:
    """Return a column of texts in the form that Arrow has in memory: `pyarrow.array` would import pandas."""
    encoded = [(text or "").encode() for text in texts]
    ends, known = array("i", accumulate(map(len, encoded), initial=0)), bytearray(len(encoded) // 8 + 1)
    for place, text in enumerate(texts):
        known[place // 8] |= (text is not None) << place % 8
    buffers = pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)), pa.py_buffer(known)
    return pa.StringArray.from_buffers(len(encoded), *buffers)


def _reduce(found: Any, shape: Shape) -> Any:
    if isinstance(found, list):
        return [_reduce(one, shape) for one in found]
    if not isinstance(found, dict):
        return None
    return {name: _take(found[name], kept) for name, kept in shape.items() if name in found}


def _take(value: Any, kept: Any) -> Any:
    if kept is True or value is None:
        return value
    return True if kept == PRESENCE else _reduce(value, kept)
