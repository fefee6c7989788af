"""The rows of an export as a preset sees them: columns by name, keys within JSON cells, repeated headers as one."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

_NUMBERED_NAME = re.compile(r"(.+) \(\d+\)")


class ColumnNames:
    """Finds the columns that a name means: itself, or those of a name that the header repeats."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = dict.fromkeys(columns)
        self._repeated: dict[str, list[str]] = {}
        for name in self._columns:
            if found := _NUMBERED_NAME.fullmatch(name):
                self._repeated.setdefault(found[1], []).append(name)

    def find(self, name: str) -> list[str]:
        """Return the columns that a name means; empty where there is none."""
        if name in self._columns:
            return [name]
        return self._repeated.get(name, [])

    def __contains__(self, name: str) -> bool:
        return bool(self.find(name) or self.find(root_of(name)))


def root_of(path: str) -> str:
    """Return the column of a path such as `files[].path`."""
    return path.partition(".")[0].removesuffix("[]")


class PresetRow:
    """One row: its cells by column, and a place in it by its path."""

    def __init__(self, names: ColumnNames, cells: dict[str, Any]) -> None:
        self._names, self.cells = names, cells

    def values(self, path: str) -> list[Any]:
        """Return all known values at a path, none of them empty."""
        columns = self._names.find(path)
        if columns:
            return [value for name in columns for value in _known(self.cells.get(name))]
        columns, is_open, keys = self._part(path)
        found = [self.cells.get(name) for name in columns]
        found = list(_opened(found)) if is_open else found
        for key in keys:
            found = [value.get(key.removesuffix("[]")) for value in found if isinstance(value, dict)]
            found = list(_opened(found)) if key.endswith("[]") else found
        return [one for value in found for one in _known(value)]

    def _part(self, path: str) -> tuple[list[str], bool, list[str]]:
        """Part a path in the columns that its beginning means, whether their lists are opened, and the keys within."""
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            name = ".".join(parts[:count])
            if columns := self._names.find(name.removesuffix("[]")):
                return columns, name.endswith("[]"), parts[count:]
        return [], False, []

    def value(self, path: str) -> Any:
        """Return the first known value at a path, None where there is none."""
        return next(iter(self.values(path)), None)


def _opened(values: list[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else ()


def _known(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = value.strip()
    return [] if value in (None, "") else [value]
