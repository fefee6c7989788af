"""The one list of metrics: what is measured, in which unit, by which SQL, and whether values may be added up.

A metric is a column of a view that has a unit. Its name, unit and meaning come from the comment of the view, its SQL
from the view itself or from the sums that all views share (`roll_up.sql`): nothing is said here a second time.
"""

import re
from dataclasses import dataclass
from functools import cache

from asp_analysis import sql
from asp_analysis.session.catalog import describe_view, marts

_NO_QUANTITIES = ("UTC", "date")
_UNITS_THAT_ADD = ("USD", "tokens", "ms", "count", "lines", "minutes", "complexity units")
_NO_SUM = re.compile(r"\bmedian\b|\bquantile|\bavg\b|\bmin\(|\bmax\(|DISTINCT|/", re.IGNORECASE)
_OF_ONE_THING = (
    "agent_iteration", "forecast_number", "tasks_needed", "tasks_completed", "usd_per_outcome", "lower_usd",
    "upper_usd", "median_usd", "median_fix_cost_usd", "review_rounds",
)  # fmt: skip
"""Numbers, targets, ratios and bounds: their sum means nothing."""


@dataclass(frozen=True, kw_only=True)
class MetricDefinition:
    """A measured quantity. sql: how it is computed, or the column that holds it. source: the views that have it."""

    name: str
    meaning: str
    sql: str
    unit: str
    is_additive: bool
    source: str


@cache
def list_metrics() -> tuple[MetricDefinition, ...]:
    """Return every metric once, by name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for view in marts():
        for column in describe_view(view)[1]:
            if column.unit is not None and column.unit not in _NO_QUANTITIES:
                found.setdefault(column.name, []).append((view, column.unit, column.meaning))
    return tuple(_make(name, found[name]) for name in sorted(found))


def _make(name: str, places: list[tuple[str, str, str]]) -> MetricDefinition:
    own = sql.script("views/roll_up.sql")
    text = own if f" AS {name}," in f"{own.rstrip()}," else sql.view_text("marts", places[0][0])
    expression = find_expression(text, name)
    unit = places[0][1]
    adds = unit in _UNITS_THAT_ADD and name not in _OF_ONE_THING and not _NO_SUM.search(expression)
    source = ", ".join(view for view, _, _ in places)
    return MetricDefinition(name=name, meaning=places[0][2], sql=expression, unit=unit, is_additive=adds, source=source)


def find_expression(text: str, name: str) -> str:
    """Return the SQL before the last `AS name` of a text; the name itself where a view only passes it on."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    matches = list(re.finditer(rf"\s+AS {name}\b", code))
    if not matches:
        return name
    end, depth = matches[-1].start(), 0
    for begin in range(end - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(code[begin], 0)
        if depth < 0 or (depth == 0 and code[begin] == ",") or (depth == 0 and code[:begin].endswith("SELECT")):
            return " ".join(code[begin + 1 : end].split())
    return " ".join(code[:end].split())
