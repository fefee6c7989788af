"""What the page's script needs: the choices of the filter, and the usage as JSON that cannot leave its element."""

import json
from typing import Any

from markupsafe import Markup

from asp_analysis.dashboard import words
from asp_analysis.dashboard.spending import MOST_LAYERS, label_periods, name_period
from asp_analysis.dashboard.usage import DIMENSIONS, Usage

_TITLES = {
    "project": "Project",
    "model": "Model",
    "role": "Role",
    "person": "Person",
    "team": "Team",
    "machine": "Machine",
    "repository": "Repository",
}
"""The filters in the order in which the page shows them."""

Choice = tuple[str, str, list[tuple[int, str]]]
"""Name of a filter, its title, and its values with their words."""


def list_choices(usage: Usage | None) -> list[Choice]:
    """Return the filters with more than one value, and the latest periods."""
    if usage is None:
        return []
    found: list[Choice] = []
    for name, title in _TITLES.items():
        if len(usage.names[name]) > 1:
            found.append(
                (name, title, [(code, words.shorten(text, 60)) for code, text in enumerate(usage.names[name])])
            )
    counts = [count for count in (usage.compared, 3 * usage.compared) if 0 < count < usage.periods]
    if counts:
        found.append(("periods", "Period", [(count, f"latest {name_period(usage, count)}") for count in counts]))
    return found


def write_usage(usage: Usage | None) -> Markup:
    """Return the usage as JSON; nothing in it can end the element that holds it."""
    if usage is None:
        return Markup("")
    columns = ["period", *DIMENSIONS, "executions", "with_cost", "cost_usd", "tokens"]
    rows = usage.rows[columns].astype(object).where(usage.rows[columns].notna(), None)
    found: dict[str, Any] = {
        "starts": label_periods(usage),
        "compared": usage.compared,
        "layers": MOST_LAYERS,
        "dimensions": list(DIMENSIONS),
        "names": usage.names,
        "rows": [_write_row(row) for row in rows.itertuples(index=False, name=None)],
    }
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _write_row(row: tuple[Any, ...]) -> list[Any]:
    """Keep money to twelve decimals, as it is summed."""
    *codes, cost, tokens = row
    return [*map(int, codes), None if cost is None else round(cost, 12), None if tokens is None else int(tokens)]
