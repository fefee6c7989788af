"""`%%sql` for notebooks: the SQL of a cell, bound to the notebook's variables, run on the notebook's session.

%load_ext asp_analysis.magic

%%sql costs <<
SELECT agent_role, sum(cost_usd) AS cost_usd FROM executions WHERE llm_model = $model GROUP BY agent_role
"""

import re
from typing import TYPE_CHECKING, Any

from asp_analysis.errors import QueryError
from asp_analysis.session import Session

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\$([A-Za-z_]\w*)")


def run_cell(line: str, cell: str, variables: dict[str, Any]) -> "pd.DataFrame | None":
    """Run the SQL of a cell; return its rows, or store them in a variable where the line says `NAME <<`.

    The line is `[SESSION] [NAME <<]`: SESSION is only necessary where the notebook has more than one open session.
    `$name` in the SQL takes the value of the notebook's variable `name`.

    Raises:
        QueryError: the SQL is wrong, a `$name` is no variable, or it is not clear which session is meant.
    """
    session_name, result_name = _read_line(line)
    frame = _find_session(session_name, variables).sql(cell, **_collect_parameters(cell, variables))
    if result_name is None:
        return frame
    variables[result_name] = frame
    return None


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register `%%sql`; called by `%load_ext asp_analysis.magic`."""

    def sql(line: str, cell: str) -> "pd.DataFrame | None":
        """Run the SQL of this cell on the notebook's session: `%%sql [SESSION] [NAME <<]`."""
        return run_cell(line, cell, shell.user_ns)

    shell.magics_manager.register_function(sql, magic_kind="cell")


def _read_line(line: str) -> tuple[str | None, str | None]:
    words = line.replace("<<", " << ").split()
    result = words[-2] if len(words) > 1 and words[-1] == "<<" else None
    others = words[:-2] if result else words
    if len(others) > 1 or not all(word.isidentifier() for word in (*others, *filter(None, [result]))):
        raise QueryError(f"{line.strip()!r} after %%sql is not [SESSION] [NAME <<]. Put the SQL on the next lines.")
    return (others[0] if others else None), result


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
    return {name: _make_plain(variables[name]) for name in names}


def _make_plain(value: Any) -> Any:
    """DuckDB binds Python's own types; numpy's scalars know how to become one."""
    return value.item() if hasattr(value, "item") else value
