"""Which preset an export asks for: it is named to whoever loads it without one."""

import re
import shlex
from collections.abc import Iterable
from functools import cache

from asp_analysis.errors import InputError
from asp_analysis.importers.file import Head
from asp_analysis.importers.presets.preset import Preset, preset_names, read_preset
from asp_analysis.importers.presets.preset_rows import ColumnNames

_ELEMENT = re.compile(r"<([A-Za-z][\w.-]*)")


@cache
def _presets() -> tuple[Preset, ...]:
    """The presets of the package, those that need most first: a list of changes has all that one of issues has."""
    found = [read_preset(name) for name in preset_names()]
    return tuple(sorted(found, key=lambda preset: -len(preset.needs)))


def recognise_columns(columns: Iterable[str]) -> str | None:
    """Return the name of the preset that reads a table, or a document, of these columns or keys; None for none."""
    names = ColumnNames(columns)
    return next(
        (
            preset.name
            for preset in _presets()
            if any(all(mark in names for mark in marks) for marks in preset.marks if marks)
        ),
        None,
    )


def recognise_document(head: Head) -> str | None:
    """Return the name of the preset that reads a JSON document or an XML file; None where none does."""
    if head.text.startswith("<"):
        return recognise_columns(_ELEMENT.findall(head.text)[:1])
    if not head.text.startswith("{"):
        return None
    try:
        return recognise_columns(head.objects[0]) if head.objects else None
    except InputError:
        return None


def tell_preset(name: str, preset: str) -> str:
    """Return the one line that names the preset that reads a file."""
    title = next(one.title for one in _presets() if one.name == preset)
    return f"{name} looks like {title}. Load it as such: asp-analysis load --from {preset} {shlex.quote(name)}"
