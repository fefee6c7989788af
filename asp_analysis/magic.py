"""`%%sql` and `%sql` for notebooks: SQL, bound to the notebook's variables, run on the notebook's session.

%load_ext asp_analysis.magic

%sql SELECT count(*) AS n FROM executions

%%sql costs <<
SELECT agent_role, sum(cost_usd) AS cost_usd FROM executions WHERE llm_model = $model GROUP BY agent_role
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asp_analysis.errors import QueryError
from asp_analysis.session import Session

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\$([A-Za-z_]\w*)")


class CellError(QueryError):
    """What is wrong with the SQL of a cell; a notebook shows it in two lines, without the way through this package."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [f"QueryError: {self}", "db.views() lists the views, db.views('executions') the columns of one."]


@dataclass(frozen=True)
class _Words:
    """What comes before the SQL: the session, the variable for the result, the frames that it may read."""

    session: str | None
    result: str | None
    frames: tuple[str, ...]


def run_cell(line: str, cell: str, variables: dict[str, Any]) -> "pd.DataFrame | None":
    """Run the SQL of a cell; return its rows, or store them in a variable where the line says `NAME <<`.

    The line is `[SESSION] [--frames NAME,...] [NAME <<]`: SESSION is needed only where the notebook has more than one
    open session; the SQL can read the frames that are named, and no other variable. `$name` in the SQL takes the value
    of the notebook's variable `name`.

    Raises:
        QueryError: the SQL is wrong, a `$name` is not a variable, or it is not clear which session is meant.
    """
    words = _read_line(line)
    session = _find_session(words.session, variables)
    with session.frames(**_find_frames(words.frames, variables)):
        frame = session.sql(cell, **_collect_parameters(cell, variables))
    if words.result is None:
        return frame
    variables[words.result] = frame
    return None


def run_line(line: str, variables: dict[str, Any]) -> "pd.DataFrame | None":
    """Run SQL that is on one line, behind the same words as those of a cell.

    Raises:
        QueryError: as `run_cell`.
    """
    head = _find_head(line, variables)
    first, _, rest = line[len(head) :].strip().partition(" ")
    if not head and isinstance(variables.get(first), Session):
        head, line = first, rest
    else:
        line = line[len(head) :]
    return run_cell(head, line, variables)


def _find_head(line: str, variables: dict[str, Any]) -> str:
    """Return the words in front of the SQL; `SELECT a << 2` has none, as SELECT is not a session."""
    found = _HEAD.match(line)
    if found is None or (found["session"] is not None and not isinstance(variables.get(found["session"]), Session)):
        return ""
    return found[0]


_HEAD = re.compile(
    r"\s*(?:(?P<session>\w+)\s+)?(?:(?P<frames>--frames)[ =]\s*\w+(?:,\w+)*\s*)?(?(frames)(?:\w+\s*<<)?|\w+\s*<<)"
)
"""The words in front of the SQL of a line; a single session is distinguished from SQL by what it is."""


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register `%%sql` and `%sql`; called by `%load_ext asp_analysis.magic`."""

    def sql(line: str, cell: str | None = None) -> "pd.DataFrame | None":
        """Run SQL on the notebook's session: `%%sql [SESSION] [--frames NAME,...] [NAME <<]`, or `%sql SELECT ...`."""
        try:
            return run_line(line, shell.user_ns) if cell is None else run_cell(line, cell, shell.user_ns)
        except QueryError as error:
            raise CellError(str(error)) from None

    shell.magics_manager.register_function(sql, magic_kind="line_cell")


def _read_line(line: str) -> _Words:
    words = line.replace("<<", " << ").replace("--frames=", "--frames ").split()
    result = words[-2] if len(words) > 1 and words[-1] == "<<" else None
    others = words[:-2] if result else words
    frames: tuple[str, ...] = ()
    if "--frames" in others[:-1]:
        place = others.index("--frames")
        frames = tuple(others[place + 1].split(","))
        others = others[:place] + others[place + 2 :]
    if len(others) > 1 or not all(word.isidentifier() for word in (*others, *frames, *filter(None, [result]))):
        raise QueryError(
            f"{line.strip()!r} is not [SESSION] [--frames NAME,...] [NAME <<]. Put the SQL on the next lines."
        )
    return _Words(others[0] if others else None, result, frames)


def _find_frames(names: tuple[str, ...], variables: dict[str, Any]) -> dict[str, Any]:
    for name in names:
        if name not in variables:
            raise QueryError(f"There is no variable {name!r} for --frames. Set {name} = ... first.")
    return {name: variables[name] for name in names}


def _find_session(name: str | None, variables: dict[str, Any]) -> Session:
    if name is not None:
        session = variables.get(name)
        if not isinstance(session, Session):
            raise QueryError(f"{name!r} is not an open session. Open one with: {name} = asp.connect()")
        return session
    sessions = {id(value): key for key, value in variables.items() if isinstance(value, Session) and key[0] != "_"}
    if not sessions:
        raise QueryError("The notebook has no open session. Open one: db = asp.connect()")
    names = list(sessions.values())
    if len(names) > 1:
        raise QueryError(f"The notebook has {len(names)} open sessions: {', '.join(names)}. Name one: %%sql {names[0]}")
    return variables[names[0]]


def _collect_parameters(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    names = {name for name in _PARAMETER.findall(query) if name}
    unknown = sorted(names - variables.keys())
    if unknown:
        raise QueryError(f"The notebook has no variable {unknown[0]} for ${unknown[0]}. Set {unknown[0]} = ... first.")
    return {name: variables[name] for name in names}
