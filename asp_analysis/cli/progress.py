"""How far long work is, where stderr is a terminal: parts, rate and time left, once it has lasted a second."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING

from asp_analysis.progress import Step, listening

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DELAY_S = 1.0
"""Work that ends sooner shows nothing."""

_EVERY_S, _MOST_PARTS = 0.2, 3


class Shown:
    """What a terminal shows of the work at hand; it is drawn by a thread of its own, which the work never waits for."""

    def __init__(self, what: str) -> None:
        self._what, self._steps, self._lock, self._ended = what, dict[str, Step](), RLock(), Event()
        self._began: dict[str, float] = {}
        self._bars: Progress | None = None

    def hear(self, step: Step) -> None:
        """Take note of a step; the bars show it when they are drawn next."""
        self._began.setdefault(step.part, time.monotonic())
        self._steps = {name: one for name, one in self._steps.items() if name != step.part} | {step.part: step}
        for part in list(self._steps)[:-_MOST_PARTS]:
            del self._steps[part]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Clear the bars while the block prints."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
            yield
            if self._bars is not None:
                self._bars.start()

    def draw(self) -> None:
        """Draw until the work has ended."""
        if self._ended.wait(DELAY_S):
            return
        bars = _make_bars()
        tasks: dict[str, TaskID] = {}
        while not self._ended.wait(_EVERY_S):
            with self._lock:
                if self._bars is None:
                    self._bars = bars
                    bars.start()
                steps = self._steps or {self._what: Step(part=self._what)}
                for part in [part for part in tasks if part not in steps]:
                    bars.remove_task(tasks.pop(part))
                for part, step in steps.items():
                    if part not in tasks:
                        tasks[part] = bars.add_task(part, total=None, said="")
                    said = _describe(step, time.monotonic() - self._began.get(part, time.monotonic()))
                    bars.update(tasks[part], completed=step.done, total=step.total, said=said)
                bars.refresh()

    def end(self) -> None:
        """Clear the terminal."""
        self._ended.set()
        with self._lock:
            if self._bars is not None:
                self._bars.stop()


@contextmanager
def show_progress(what: str) -> Iterator[Shown]:
    """Show how far the block is; `what` where it says nothing itself. In a pipe or a file nothing is shown."""
    shown = Shown(what)
    if sys.stderr is None or not sys.stderr.isatty():
        yield shown
        return
    thread = Thread(target=shown.draw, daemon=True)
    thread.start()
    try:
        with listening(shown.hear):
            yield shown
    finally:
        shown.end()
        thread.join()


def _make_bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    text = [TextColumn("{task.description}", markup=False), BarColumn(20), TextColumn("{task.fields[said]}")]
    return Progress(
        *(*text, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _describe(step: Step, lasted_s: float) -> str:
    if not step.done:
        return ""
    text = f"{step.done:,}" if step.total is None else f"{step.done:,} of {step.total:,}"
    rate = f", {step.done / lasted_s:,.0f}/s" if lasted_s > DELAY_S else ""
    return f"{text} {step.unit}{rate}"
