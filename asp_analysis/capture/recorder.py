"""The recorder: what an agent's code holds, and the only thing that it calls."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from asp_analysis.capture.record_lines import batch_of
from asp_analysis.capture.run import ExecutionContext, defect_record, execution_record
from asp_analysis.capture.shield import Shield
from asp_analysis.capture.writer import Writer
from asp_analysis.config import StoreUrl, machine_name
from asp_analysis.records import format_instant


class Recorder:
    """Records executions and defects of the agents in this process; every method may be called from any thread.

    After it is made nothing is raised any more, whatever becomes of the store: errors go to the log
    `asp_analysis.capture`, invalid records to the store's rejects, and what cannot be written to a spill file.
    """

    def __init__(self, url: StoreUrl, queue_limit: int) -> None:
        """Use `capture.open`."""
        _warm_up()
        self._writer = Writer(url, queue_limit)

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def execution(
        self, *, task_id: Any = None, agent_role: Any = None, llm_model: Any = None, project_id: Any = None, **more: Any
    ) -> ExecutionContext:
        """Return an execution for `with`, `async with` or as a decorator; the block's time is its latency.

        `more` are other columns of an execution (`llm_provider`, `agent_version`, `agent_iteration`, `subtask_id`,
        `user_id`, ...); a name that is no column is kept in its metadata. An exception in the block is recorded as
        `error_type` in the metadata (its type, not its text) and goes on.
        """
        named = {"task_id": task_id, "agent_role": agent_role, "llm_model": llm_model, "project_id": project_id}
        return ExecutionContext(self._writer.put, {"machine": machine_name(), **more, **named})

    def record(self, **fields: Any) -> None:
        """Record an execution that is over, by the columns of `executions`; `executed_at` is now by default."""
        with Shield("Recording an execution"):
            own = {"executed_at": format_instant(datetime.now(UTC)), "machine": machine_name()}
            self._writer.put("executions", execution_record({**own, **fields}, {}))

    def defect(
        self,
        *,
        task_id: Any = None,
        defect_type: Any = None,
        phase_injected: Any = None,
        phase_removed: Any = None,
        **more: Any,
    ) -> None:
        """Record a defect outside of an execution, by the columns of `defect_log` (`description` is required)."""
        with Shield("Recording a defect"):
            named = {"task_id": task_id, "defect_type": defect_type}
            phases = {"phase_injected": phase_injected, "phase_removed": phase_removed}
            self._writer.put("defect_log", defect_record({**more, **named, **phases}))

    @property
    def lost_count(self) -> int:
        """How many records this process lost because neither the store nor a spill file could be written."""
        return self._writer.lost_count

    def flush(self, patience_s: float = 2.0) -> bool:
        """Wait until everything reported so far is on disk; True where all of it is in the store.

        Waits at most about `patience_s` for a store that is busy; what it does not take stays in the spill file.
        """
        return self._writer.flush(patience_s)

    def close(self, patience_s: float = 2.0) -> None:
        """Flush and end; happens by itself when the process exits. A record that comes later goes to the spill file."""
        self._writer.close(patience_s)


def _warm_up() -> None:
    """Build the validators now: it takes tens of milliseconds, which the first record should not meet."""
    instant = format_instant(datetime.now(UTC))
    batch_of("executions", [f'{{"executed_at":"{instant}"}}'], 1)
    batch_of("defect_log", [f'{{"found_at":"{instant}"}}'], 1)
