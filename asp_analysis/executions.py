"""An execution: one run of one agent role on one task; what names it, and what is measured of it.

Everything that comes in becomes rows of these columns, and everything that is asked reads them: transcripts, tables,
spans and captured runs share this room. `METRICS` has the words of the ASP platform, which writes one row per metric.
"""

from dataclasses import dataclass

CONTEXT: tuple[str, ...] = (
    "executed_at",
    "task_id",
    "subtask_id",
    "project_id",
    "user_id",
    "agent_role",
    "agent_version",
    "agent_iteration",
    "llm_model",
    "llm_provider",
)
"""What distinguishes executions where their source does not name them. The order stays: names are made of it."""


@dataclass(frozen=True)
class Measure:
    """A measured quantity: its unit, its name on the platform, and whether it is a count (a whole number)."""

    unit: str
    metric_type: str
    is_count: bool


MEASURES: dict[str, Measure] = {
    "latency_ms": Measure("ms", "Latency", is_count=False),
    "tokens_in": Measure("tokens", "Tokens_In", is_count=True),
    "tokens_out": Measure("tokens", "Tokens_Out", is_count=True),
    "tokens_cache_read": Measure("tokens", "Tokens_Cache_Read", is_count=True),
    "tokens_cache_write": Measure("tokens", "Tokens_Cache_Write", is_count=True),
    "cost_usd": Measure("USD", "API_Cost", is_count=False),
    "memory_mb": Measure("MB", "Memory_Usage", is_count=False),
    "tool_calls": Measure("count", "Tool_Calls", is_count=True),
    "retries": Measure("count", "Retries", is_count=True),
}
"""Column -> what it measures. The order stays: names of executions are made of it."""

COST_VECTOR: tuple[str, ...] = ("cost_usd", "latency_ms", "tokens_in", "tokens_out", "tool_calls")
"""What a task can be estimated in, money first."""

METRICS: dict[str, Measure] = {measure.metric_type: measure for measure in MEASURES.values()}
"""The platform's metric type -> what it measures."""

COLUMN_OF: dict[str, str] = {measure.metric_type: column for column, measure in MEASURES.items()}
"""The platform's metric type -> our column."""

ORIGIN: tuple[str, ...] = ("machine", "tool", "tool_version", "labels", "repository", "branch")
"""Where an execution comes from: the computer, the agent program, the code, and anything to group by."""

COLUMNS: tuple[str, ...] = (*CONTEXT, *MEASURES, *ORIGIN, "metadata_json", "execution_id")
"""What an importer says of an execution; the store adds which load it came with."""

PLACE: dict[str, int] = {name: place for place, name in enumerate(COLUMNS)}
"""Column -> its place in a row of `COLUMNS`."""

EXECUTIONS = "agent_cost_vector"
"""The table of executions: the contract's name."""
