"""The answer at the top of a notebook, which follows the parameters below it."""

from collections.abc import Callable
from typing import Any

from IPython.display import DisplayHandle, Markdown, display

from asp_analysis.findings import Finding
from asp_analysis.notebook.showing import draw, say
from asp_analysis.session import Session


class Answer:
    """Sentence and chart on the first screen. `follow` narrows the session and shows them again in the same place."""

    def __init__(self, session: Session, find: Callable[..., Finding], **parameters: Any) -> None:
        """Show what `find` says of the session's store."""
        session.narrow()
        self._session, self._find = session, find
        finding = find(session, **parameters)
        self._text = _place(Markdown(finding.text))
        figure = draw(finding)
        self._figure = _place(Markdown("") if figure is None else figure)

    def follow(self, parameters: dict[str, Any], **own: Any) -> None:
        """Narrow the session to the parameters, say to what, and show the answer for that above.

        own: further parameters of the answer. Where nothing is set, everything stays as it is.

        Raises:
            InputError: a parameter cannot be read.
        """
        scope = self._session.narrow(**{name.lower(): value for name, value in parameters.items()})
        set_here = {name: value for name, value in own.items() if value is not None}
        say(describe_scope(self._session))
        if scope.is_whole and not set_here:
            return
        finding = self._find(self._session, **set_here)
        figure = draw(finding)
        self._text.update(Markdown(finding.text))
        self._figure.update(Markdown("") if figure is None else figure)


def describe_scope(session: Session) -> str:
    """Return the sentence that says what part of the store a notebook reads."""
    found = session.sql("SELECT count(*) AS n FROM executions").n[0]
    clock = "" if session.clock == "UTC" else f" Days and times are those of {session.clock}."
    if session.scope.is_whole:
        return f"Everything in the store is read, up to its newest record.{clock}"
    return f"Read: {session.scope.describe()}. That leaves {found:,} execution{'' if found == 1 else 's'}.{clock}"


def _place(shown: Any) -> DisplayHandle:
    handle = display(shown, display_id=True)
    if handle is None:
        raise RuntimeError("A notebook is needed to show an answer in. Call the function of `findings` itself.")
    return handle
