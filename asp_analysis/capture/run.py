"""One execution while it lasts: a `with` block, an `async with` block or a decorated function that is measured."""

import functools
import inspect
import math
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from decimal import Decimal
from numbers import Real
from types import TracebackType
from typing import TYPE_CHECKING, Any

from asp_analysis.capture.shield import Shield
from asp_analysis.errors import InputError
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS, format_instant

if TYPE_CHECKING:
    from asp_analysis.probe.unfinished import PastSessions

Sink = Callable[[str, dict[str, Any]], None]
_current: ContextVar["Run | None"] = ContextVar("asp_capture_run", default=None)


class Run:
    """What is known about one execution so far. Every method may be called from any thread, and again: it adds up."""

    def __init__(self, sink: Sink, fields: dict[str, Any]) -> None:
        """Begin now; recorders make these."""
        self._sink, self._fields = sink, fields
        self._measured: dict[str, Any] = {}
        self._metadata: dict[str, Any] = {}
        self._spent: list[float] = []
        self._lock = threading.RLock()
        self.execution_id = str(uuid.uuid4())
        self._began_at, self._began_ns = datetime.now(UTC), time.perf_counter_ns()

    def tokens(self, *, input: Any = None, output: Any = None, cache_read: Any = None, cache_write: Any = None) -> None:
        """Add tokens. `input` is all input, cached tokens included; Anthropic's own `input_tokens` leaves them out."""
        self._add("tokens_in", input)
        self._add("tokens_out", output)
        self._add("tokens_cache_read", cache_read)
        self._add("tokens_cache_write", cache_write)

    def cost(self, usd: Any) -> None:
        """Add what it cost, in US dollars. Without a call the cost is unknown, not 0."""
        self._add("cost_usd", usd)
        if _is_amount(usd):
            with self._lock:
                self._spent.append((self._spent[-1] if self._spent else 0.0) + float(usd))

    def forecast(self, past: "PastSessions", budget: float | None = None) -> dict[str, float] | None:
        """Return what this run will have cost at its end, from the costs that were added so far; None where unknown.

        past: finished sessions, read once before the run (`probe.unfinished.PastSessions.of`). Every `cost` counts as a
        call. Keys: calls, spent, estimate, lower_70, upper_70, and with a budget chance_over. Never raises.
        """
        with Shield("Forecasting a run"), self._lock:
            if len(self._spent) and self._spent[-1] > 0:
                found = past.forecast(self._spent)
                lower, estimate, upper = map(float, found.find_quantiles((0.15, 0.5, 0.85)))
                said = {"calls": float(found.calls), "spent": self._spent[-1], "estimate": estimate}
                said |= {"lower_70": lower, "upper_70": upper}
                return said if budget is None else {**said, "chance_over": found.find_chance_over(budget)}
        return None

    def tool_call(self, count: Any = 1) -> None:
        """Count a call of a tool."""
        self._add("tool_calls", count)

    def retry(self, count: Any = 1) -> None:
        """Count a retry."""
        self._add("retries", count)

    def memory(self, mb: Any) -> None:
        """Note the memory used, in MB; the highest value counts."""
        with Shield("Recording memory"), self._lock:
            if _is_amount(mb) and _is_amount(self._measured.get("memory_mb", 0)):
                mb = max(float(mb), self._measured.get("memory_mb", 0.0))
            self._measured["memory_mb"] = mb

    def note(self, **metadata: Any) -> None:
        """Keep anything else in the metadata; prompts and answers are stored only if you pass them here."""
        with Shield("Recording metadata"), self._lock:
            self._metadata.update(metadata)

    def defect(
        self, *, defect_type: Any = None, phase_injected: Any = None, description: Any = None, **more: Any
    ) -> None:
        """Record a defect that this execution found; `phase_removed` is its own role by default."""
        with Shield("Recording a defect"):
            known = {"task_id": self._fields.get("task_id"), "project_id": self._fields.get("project_id")}
            known["phase_removed"] = self._fields.get("agent_role")
            given = {"defect_type": defect_type, "phase_injected": phase_injected, "description": description}
            self._sink("defect_log", defect_record({**known, **given, **more}))

    def end(self, error: type[BaseException] | None = None) -> None:
        """Record the execution as it is now; `error` is what ended it."""
        with Shield("Recording an execution"):
            latency_ms = (time.perf_counter_ns() - self._began_ns) / 1e6
            with self._lock:
                if error is not None:
                    self._metadata.setdefault("error_type", error.__qualname__)
                own: dict[str, Any] = {"executed_at": format_instant(self._began_at), "latency_ms": latency_ms}
                own["execution_id"] = self.execution_id
                record = execution_record({**own, **self._fields, **self._measured}, self._metadata)
            self._sink("executions", record)

    def _add(self, name: str, value: Any) -> None:
        if value is None:
            return
        with Shield(f"Recording {name}"), self._lock:
            known = self._measured.get(name)
            if known is not None and not _is_amount(known):
                return  # the first wrong value stays: it is the reason of the reject
            if known is not None and _is_amount(value):
                value = _number(known) + _number(value)
            self._measured[name] = _number(value) if _is_amount(value) else value


class ExecutionContext:
    """An execution to be: enter it with `with` or `async with`, or decorate a function with it."""

    def __init__(self, sink: Sink, fields: dict[str, Any]) -> None:
        """Keep what is known beforehand; recorders make these."""
        self._sink, self._fields = sink, fields
        self._open: list[tuple[Run, Token[Run | None]]] = []

    def __enter__(self) -> Run:
        run = Run(self._sink, self._fields)
        self._open.append((run, _current.set(run)))
        return run

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with Shield("Ending an execution"):
            run, token = self._open.pop()
            with suppress(ValueError):  # an asynchronous block may end in another context than it began in
                _current.reset(token)
            run.end(kind)

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Record every call of a function or coroutine function; inside, `current_run()` is the run.

        Raises:
            InputError: a generator function, whose calls last for no time; use `with` inside it.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InputError(
                f"{function.__qualname__} is a generator function, and its work is done after the call. "
                " Use `with store.execution(...)` inside it."
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def measured(*args: Any, **named: Any) -> Any:
                async with ExecutionContext(self._sink, self._fields):
                    return await function(*args, **named)
        else:

            @functools.wraps(function)
            def measured(*args: Any, **named: Any) -> Any:
                with ExecutionContext(self._sink, self._fields):
                    return function(*args, **named)

        return measured


def current_run() -> Run:
    """Return the innermost run of this thread or task; outside of any, one that is never recorded."""
    return _current.get() or Run(lambda _kind, _record: None, {})


def execution_record(fields: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a complete record of `executions`; what is no column goes to `metadata_json`."""
    return _sorted_out("executions", {"execution_id": str(uuid.uuid4()), **_known(fields)}, metadata)


def defect_record(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a complete record of `defect_log`, with a name and a time where they are missing."""
    own = {"defect_id": str(uuid.uuid4()), "found_at": format_instant(datetime.now(UTC))}
    return _sorted_out("defect_log", {**own, **_known(fields)}, {})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _sorted_out(kind: str, fields: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    fields = {our_name(kind, name): value for name, value in fields.items()}
    columns = RECORDS[kind].model_fields
    record = {name: value for name, value in fields.items() if name in columns and name != "metadata_json"}
    rest = {name: value for name, value in fields.items() if name not in columns}
    given = fields.get("metadata_json")
    if isinstance(given, dict) or given is None:
        if more := {**rest, **(given or {}), **metadata}:
            record["metadata_json"] = more
    else:
        record["metadata_json"] = given  # not an object: the record is rejected for it
    return record


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, Real | Decimal) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and float(value) >= 0


def _number(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)
