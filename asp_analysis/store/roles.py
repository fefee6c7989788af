"""Asks about roles that are nearly spelled like a listed one: costs of `Coed` would stay apart from those of `Code`."""

import difflib

from sqlalchemy import Connection

from asp_analysis.batch import Batch
from asp_analysis.store.statements import execute

_ROLE_COLUMNS = ("agent_role", "phase_injected", "phase_removed")
_MOST_NAMES, _MOST_ASKED = 500, 3
_ALIKE = 0.75  # Coed and Code, code and Code, Tests and Test; not CodeReview and Code


class Roles:
    """The roles that a load names; of a file that has a role of its own for every row, only the first ones."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def see(self, batch: Batch) -> None:
        """Take in the next batch of the file."""
        for place, name in enumerate(batch.columns):
            if name in _ROLE_COLUMNS and len(self._names) < _MOST_NAMES:
                self._names.update(row[place] for row in batch.rows)

    def question(self, connection: Connection) -> str:
        """Ask about those that are not listed and close to one that is; empty where there is none."""
        if not self._names:
            return ""
        listed = [row[0] for row in execute(connection, "SELECT agent_role FROM agent_roles ORDER BY phase_order")]
        aliases = {row[0] for row in execute(connection, "SELECT alias FROM name_alias WHERE kind = 'role'")}
        unknown = sorted(self._names.difference(listed, aliases))[:_MOST_NAMES]
        meant = {name: close for name in unknown if (close := _closest(name, listed))}
        asked = [f"Role {name} is not listed; is {close} meant?" for name, close in meant.items()]
        more = f" And {len(asked) - _MOST_ASKED} more." if len(asked) > _MOST_ASKED else ""
        example = next(iter(meant.items()), ("", ""))
        advice = f" To show it so: asp-analysis alias role '{example[0]}={example[1]}'" if meant else ""
        return " ".join(asked[:_MOST_ASKED]) + more + advice


def _closest(name: str, listed: list[str]) -> str | None:
    by_folded = {role.casefold(): role for role in listed}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=_ALIKE)
    return by_folded[found[0]] if found else None
