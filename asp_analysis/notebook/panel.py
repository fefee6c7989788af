"""A panel that chooses project, model, role and period, and shows a finding for them again."""

from collections.abc import Callable
from datetime import date
from typing import Any

import ipywidgets as widgets
import pandas as pd
from IPython.display import display

from asp_analysis.errors import AnalysisError
from asp_analysis.findings import Finding
from asp_analysis.notebook.answer import describe_scope
from asp_analysis.notebook.showing import write_html
from asp_analysis.session import Session

_EVERY = "(all)"
_COLUMNS = {"project": "project_id", "model": "llm_model", "role": "agent_role"}


class Panel:
    """Choices above, the finding below. The session is narrowed only while it draws: the notebook stays as it is."""

    def __init__(self, session: Session, find: Callable[[Session], Finding]) -> None:
        """Show the panel for the store of a session."""
        self._session, self._find = session, find
        self._choices: dict[str, Any] = {name: self._offer(name) for name in _COLUMNS}
        first, last = self._session.sql("SELECT min(executed_at) AS a, max(executed_at) AS b FROM executions").iloc[0]
        days = (None, None) if pd.isna(first) else (first.date(), last.date())
        self._choices["since"] = widgets.DatePicker(description="since", value=days[0])
        self._choices["until"] = widgets.DatePicker(description="until", value=days[1])
        self._days: tuple[date | None, date | None] = days
        self._output = widgets.HTML()
        for choice in self._choices.values():
            choice.observe(self._redraw, names="value")
        display(widgets.VBox([widgets.HBox([*self._choices.values()], layout={"flex_flow": "row wrap"}), self._output]))
        self._redraw()

    def _offer(self, name: str) -> widgets.Dropdown:
        column = _COLUMNS[name]
        found = self._session.sql(
            f"SELECT {column} AS name FROM executions WHERE {column} IS NOT NULL GROUP BY ALL "
            "ORDER BY count(*) DESC, name"
        )
        return widgets.Dropdown(description=name, options=[_EVERY, *found["name"]])

    def _redraw(self, _: Any = None) -> None:
        chosen = {name: None if choice.value == _EVERY else choice.value for name, choice in self._choices.items()}
        if chosen["since"] == self._days[0]:
            chosen["since"] = None
        if chosen["until"] == self._days[1]:
            chosen["until"] = None
        former = self._session.scope
        try:
            self._session.narrow(**chosen)
            self._output.value = write_html(describe_scope(self._session), self._find(self._session))
        except AnalysisError as refusal:
            self._output.value = write_html(str(refusal))
        finally:
            self._session.narrow(former)
