"""One list says what every metric is; no view, verb, page or notebook defines one of them in another way."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

from asp_analysis import sql
from asp_analysis.executions import MEASURES
from asp_analysis.session import describe_view
from asp_analysis.session.metrics import find_expression, list_metrics
from asp_analysis.wording import write_table

ROOT = Path(__file__).resolve().parents[1]
METRICS = {metric.name: metric for metric in list_metrics()}
SHARED = dict(re.findall(r"^(?!--)(.+) AS (\w+),?$", sql.script("views/roll_up.sql"), re.MULTILINE))
SUMS = {name: expression for expression, name in SHARED.items() if name in METRICS and name != "executions"}
"""What every view that groups executions has: name -> SQL. A count(*) counts whatever is grouped."""

OTHERWISE = {
    ("agent_sessions.py", "cost_usd"): "what a tool's own session cost: unknown where one call is",
    ("changes.sql", "cost_usd"): "the share of a session that belongs to the change",
    ("compared_calls.sql", "tokens_fresh"): "never below 0, where a source counts cached input next to the other",
    ("cost_per_outcome.sql", "executions_without_cost"): "those of linked sessions",
    ("stored_forecasts.sql", "cost_usd"): "of a forecast",
    ("stored_forecasts.sql", "latency_ms"): "of a forecast",
    ("stored_forecasts.sql", "tokens"): "of a forecast",
}
"""(File, name) -> what the column means there, where it is no sum of executions."""


def test_a_name_has_one_unit_in_all_views():
    units = {}
    for view in sql.view_names("marts"):
        for column in describe_view(view)[1]:
            if column.unit is not None:
                units.setdefault(column.name, {}).setdefault(column.unit, []).append(view)
    assert not {name: found for name, found in units.items() if len(found) > 1}


def test_what_is_measured_of_an_execution_has_the_unit_that_its_view_says():
    assert {name: METRICS[name].unit for name in MEASURES} == {name: one.unit for name, one in MEASURES.items()}


def test_every_metric_is_whole():
    for metric in METRICS.values():
        assert metric.meaning and metric.sql and metric.unit and metric.source, metric


@pytest.mark.parametrize(
    ("name", "is_additive"),
    [
        ("cost_usd", True), ("tokens_in", True), ("executions_without_cost", True), ("rework_cost_usd", True),
        ("people", False), ("models", False), ("tasks", False), ("cost_share", False), ("median_fix_cost_usd", False),
        ("surviving_30", False), ("usd_per_outcome", False), ("agent_iteration", False),
    ],
)  # fmt: skip
def test_what_adds_up_is_said(name, is_additive):
    assert METRICS[name].is_additive == is_additive


def definitions():
    """Yield each place that computes a column under the name of a shared sum: (file, name, SQL)."""
    files = [*(ROOT / "asp_analysis").rglob("*.py"), *(ROOT / "asp_analysis").rglob("*.sql")]
    for path in [*files, *(ROOT / "database" / "views" / "marts").glob("*.sql")]:
        text = path.read_text(encoding="utf-8")
        for name in SUMS:
            for found in re.finditer(rf"\bAS {name}\b", text):
                yield path.name, name, find_expression(text[: found.end()], name)


def is_same(name, expression):
    """Tell whether SQL is the shared sum, or sums, casts or passes on the column of that name."""
    plain = re.sub(r"\b(?:\w+)\.(?=\w)", "", expression)
    plain = re.sub(r"^(?:(?:CAST|COALESCE|NULLIF)\()+", "", plain)
    summed = {"executions_without_cost": "sum(executions) - sum(with_cost)"}.get(name, SUMS[name])
    return plain.startswith((SUMS[name], summed)) or re.match(rf"(?:sum\()?(?:CAST\()?{name}\b", plain) is not None


def test_no_other_place_defines_a_shared_sum_in_another_way():
    found = [one for one in definitions() if not is_same(one[1], one[2])]
    assert {(file, name) for file, name, _ in found} == set(OTHERWISE), found


def test_a_second_definition_is_found():
    assert is_same("cost_usd", "sum(cost_usd)") and is_same("cost_usd", "CAST(sum(runs.cost_usd) AS DOUBLE)")
    assert not is_same("cost_usd", "avg(cost_usd)") and not is_same("retries", "count(retries)")


def test_the_documentation_explains_metrics_under_their_names():
    rows = re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "statistics.md").read_text(), re.MULTILINE)
    assert {name for name in rows if name.endswith(("_usd", "_size"))} <= set(METRICS)


def test_the_command_line_prints_the_list(run):
    rows = run("views", "--metrics", "--json").json
    assert {row["name"] for row in rows} == set(METRICS)
    assert set(rows[0]) == {"name", "meaning", "sql", "unit", "is_additive", "source"}
    assert run("views", "executions", "--metrics").exit_code == 2


# --- what pages and notebooks show ------------------------------------------------------------------------------------

UNIT_OF_SUFFIX = {"_usd": "USD", "_ms": "ms", "_share": "share of 1", "_hours": "hours", "_minutes": "minutes"}
"""Suffixes by which `wording` and people read a unit off a name."""

OTHER_SHAPES = {
    "usd_per_outcome": "USD", "executions_without_tokens_in": "count", "executions_without_tokens_out": "count",
    "surviving_30": "share of 1", "surviving_90": "share of 1", "memory_mb": "MB",
}  # fmt: skip
"""Metrics whose name says its unit in another way."""

MADE_FOR_PEOPLE = {
    "before", "after", "change", "final", "spent", "projection", "residual", "cost_of_those_tasks", "lower_70",
    "upper_70", "p50_latency", "p90_latency", "p95_latency", "median_latency", "median_fix_latency", "limit",
    "per_accepted", "per_completed", "per_outcome",
}  # fmt: skip
"""What pages and notebooks make of metrics in USD or ms: two periods, quantiles, ratios, what is known so far."""


def names_shown():
    """Yield every name with the unit USD or ms that a page, a finding or a chart uses: (file, name)."""
    for room in ("dashboard", "findings", "charts", "notebook"):
        for path in (ROOT / "asp_analysis" / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(node, "value", None) if isinstance(node, ast.Constant) else getattr(node, "attr", None)
                if isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*_(usd|ms)", name):
                    yield path.name, name


def test_the_unit_of_a_metric_is_the_one_that_its_name_says():
    """What is shown is written by the suffix of its name (`wording`), so both must say the same."""
    told = {metric.name: metric.unit for metric in METRICS.values() if metric.name not in OTHER_SHAPES}
    for suffix, unit in UNIT_OF_SUFFIX.items():
        assert {name for name in told if name.endswith(suffix)} == {name for name in told if told[name] == unit}
    assert {name: METRICS[name].unit for name in OTHER_SHAPES} == OTHER_SHAPES


def test_pages_notebooks_and_charts_show_metrics_under_their_names():
    shown = set(names_shown())
    unknown = {(file, name) for file, name in shown if name not in METRICS}
    assert len(shown) > 60
    assert {name.rpartition("_")[0] for _, name in unknown} == MADE_FOR_PEOPLE


def test_a_metric_is_shown_with_its_unit():
    for metric in METRICS.values():
        heading, cell = write_heading_and_cell(metric.name, 90_000.0)
        if metric.name.endswith("_usd"):
            assert heading.endswith("(USD)") and cell == "90,000"
        elif metric.unit == "ms":
            assert cell == "90.0 s"
        elif metric.unit in ("tokens", "count"):
            assert cell == "90,000"


def write_heading_and_cell(name, value):
    table = write_table(pd.DataFrame({name: [value]}))
    return table.columns[0], table.iloc[0, 0]
