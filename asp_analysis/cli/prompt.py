"""A prompt for SQL on a terminal: completion of views and columns, several lines, a history in the data folder.

prompt_toolkit draws it, over a session that only reads. DuckDB's own shell is another program with another store of
settings: it opens files and databases, and knows neither our views nor the fence around them.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from asp_analysis.cli.printing import note
from asp_analysis.errors import AnalysisError

_HELP = (
    "End a query with ; or an empty line. Tab completes, the arrow keys go through the history. "
    "SHOW TABLES lists the views, DESCRIBE NAME the columns of one. Ctrl-C stops a query, exit or Ctrl-D leaves."
)
_LEAVE = {"exit", "quit", ".exit", ".quit", "\\q"}
_ASK = {"help", ".help", "?", "\\?"}
_KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "USING", "AS", "AND",
    "OR", "NOT", "IN", "IS NULL", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "END", "DESC", "DISTINCT", "WITH",
    "UNION ALL", "COUNT(*)", "SUM(", "AVG(", "MEDIAN(", "MIN(", "MAX(", "QUANTILE_CONT(", "DATE_TRUNC(", "PIVOT",
    "DESCRIBE", "SUMMARIZE", "EXPLAIN", "SHOW TABLES",
)  # fmt: skip
_VIEW_FOLLOWS = re.compile(r"\b(?:from|join|describe|summarize|pivot|show)\s+\w*$", re.IGNORECASE)


def converse(views: Mapping[str, Sequence[str]], history: Path, run: Callable[[str], None]) -> None:
    """Ask for queries and run each until the person leaves; a refused query is one line, and the prompt goes on.

    views: their columns.
    """
    prompt: PromptSession[str] = PromptSession(
        "sql> ",
        completer=_Completer(views),
        history=_open_history(history),
        multiline=Condition(lambda: not is_whole(prompt.default_buffer.text)),
        prompt_continuation="...> ",
        complete_while_typing=False,
    )
    note(_HELP)
    while True:
        try:
            text = prompt.prompt().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        word = text.rstrip(";").strip().lower()
        if word in _LEAVE:
            return
        if word in _ASK:
            note(_HELP)
        elif word:
            _run_one(text, run)


def is_whole(text: str) -> bool:
    """Return whether Enter runs a text: it ends with a semicolon or an empty line, or is a word for the prompt."""
    return text.rstrip().endswith(";") or text.endswith("\n") or text.strip().lower() in _LEAVE | _ASK | {""}


def suggest(before: str, views: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what may follow a text, for the word at its end: views behind FROM, else columns of the views it names."""
    word = _word_at_end(before)
    named = [name for name in views if re.search(rf"\b{name}\b", before, re.IGNORECASE)]
    columns = dict.fromkeys(column for name in named or views for column in views[name])
    found = list(views) if _VIEW_FOLLOWS.search(before) else [*columns, *views, *_KEYWORDS]
    return [one for one in found if one.lower().startswith(word.lower())]


def _word_at_end(before: str) -> str:
    found = re.search(r"\w*$", before)
    return "" if found is None else found[0]


class _Completer(Completer):
    def __init__(self, views: Mapping[str, Sequence[str]]) -> None:
        self._views = views

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Offer what may follow."""
        before = document.text_before_cursor
        for text in suggest(before, self._views):
            yield Completion(text, start_position=-len(_word_at_end(before)))


def _open_history(path: Path) -> History:
    """Keep the history in a file that only its owner reads: queries may hold names of customers."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError as error:
        note(f"{path} takes no history ({error.strerror}); it ends with this prompt.")
        return InMemoryHistory()
    return FileHistory(str(path))


def _run_one(text: str, run: Callable[[str], None]) -> None:
    try:
        run(text)
    except AnalysisError as error:
        note(f"Error: {error}")
    except KeyboardInterrupt:
        note("Stopped.")
