"""Draws docs/scale.png and writes the tables of docs/scale.md from docs/scale.csv.

python -m benchmarks.scale_report
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from asp_analysis.charts import use_style

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->\n"
GREY, BLUE, ORANGE, GREEN, PURPLE, RED = "#8C8C8C", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00"

GOAL_SIZE = 130_000
"""Executions at which there are goals; ten weeks of the sample 338 times over."""

# Title, to be filled with the first two lines' times at GOAL_SIZE -> lines (kind, operation, label, colour), and the
# goals there (seconds, colour).
PANELS = {
    "A view: {0}; in sqlite3: {1}": (
        [
            ("view", "role_costs", "role_costs", BLUE),
            ("sqlite", "role_costs", "the same in sqlite3", RED),
            ("view", "work", "work", GREEN),
            ("pandas", "role_costs", "the same in pandas", PURPLE),
        ],
        [(0.1, BLUE)],
    ),
    "Opening: {0}; 10,000 more: {1}": (
        [
            ("open", "connect, fresh snapshot", "fresh snapshot", BLUE),
            ("open", "refresh, known tasks", "10,000 executions more", GREEN),
            ("open", "connect, no snapshot", "no snapshot yet", RED),
        ],
        [(0.2, BLUE), (0.5, GREEN)],
    ),
    "An estimate: {0}; the dashboard: {1}": (
        [
            ("verb", "estimate", "estimate", BLUE),
            ("verb", "dashboard", "dashboard", GREEN),
            ("verb", "learning", "learning", ORANGE),
            ("write", "load", "load (JSON Lines)", RED),
            ("write", "migrate", "migrate to PostgreSQL", PURPLE),
        ],
        [(1.5, BLUE), (4.0, GREEN)],
    ),
}


def main() -> None:
    """Draw and write."""
    found = pd.read_csv(DOCS / "scale.csv")
    mpl.use("Agg")
    use_style()
    draw(found, DOCS / "scale.png")
    text = (DOCS / "scale.md").read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    (DOCS / "scale.md").write_text(f"{head}{BEGIN}{tables(found)}{END}{tail}", encoding="utf-8")


def draw(found: pd.DataFrame, picture: Path) -> None:
    """Draw seconds against executions, both on logarithms: what grows in proportion is as steep as the thin line."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(13, 5.2), sharey=True)
    for ax, (title, (lines, limits)) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, found, lines, limits)
        ax.set_title(title.format(*(_at_goal(found, *line[:2]) for line in lines[:2])), fontsize=11)
    axes[0].set_ylabel("seconds")
    figure.suptitle(
        f"What {GOAL_SIZE:,} executions take, and how it grows (bars: goals there; thin line: growth in proportion)",
        x=0.01,
        ha="left",
    )
    figure.savefig(picture, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _at_goal(found: pd.DataFrame, kind: str, operation: str) -> str:
    own = found[(found["executions"] == GOAL_SIZE) & (found["kind"] == kind) & (found["operation"] == operation)]
    return written(own["seconds"].iloc[0]) if len(own) else "not measured"


def _panel(ax: Axes, found: pd.DataFrame, lines: list, limits: list) -> None:
    ax.set(xscale="log", yscale="log", xlim=(7e3, 1.2e8), ylim=(1e-3, 500), xlabel="executions")
    ax.grid(visible=True, which="major")
    ax.set_xticks([1e4, 1.3e5, 6.5e5, 6.5e6], ["10 k", "130 k", "650 k", "6.5 M"])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.plot([1e4, 6.5e6], [1.3e-3, 0.845], color=GREY, linewidth=0.8, zorder=1)
    for seconds, color in limits:
        ax.plot(
            [0.6 * GOAL_SIZE, 1.7 * GOAL_SIZE],
            [seconds, seconds],
            color=color,
            linewidth=5,
            alpha=0.45,
            solid_capstyle="butt",
        )
    ends = []
    for kind, operation, label, color in lines:
        own = found[(found["kind"] == kind) & (found["operation"] == operation)].sort_values("executions")
        if len(own):
            ax.plot(own["executions"], own["seconds"], color=color, marker="o")
            ends.append([own["seconds"].iloc[-1], own["executions"].iloc[-1], label, color])
    _label(ax, ends)


def _label(ax: Axes, ends: list) -> None:
    """Write each line's name behind its end, far enough from the one below."""
    least, last = 0.0, max(size for _, size, *_ in ends)
    for seconds, size, label, color in sorted(ends):
        if size < last:  # others go on next to it
            place, offset, side = seconds, (-4, 9), "right"
        else:
            place, offset, side = max(seconds, least * 1.7), (9, 0), "left"
            least = place
        style = {"textcoords": "offset points", "va": "center", "ha": side, "color": color, "fontsize": 9}
        ax.annotate(label, (size, place), offset, **style)


def tables(found: pd.DataFrame) -> str:
    """Return the tables: the time of each operation by size, the aggregate views next to the other ways, memory."""
    times = found.pivot_table(index=["kind", "operation"], columns="executions", values="seconds", sort=False)
    sizes = sorted(times.columns)
    names = {"write": "writing", "open": "opening", "view": "view", "verb": "command"}
    rows = [
        [f"{names[kind]}: {operation}", *(written(times.loc[(kind, operation), size]) for size in sizes)]
        for kind in names
        for operation in times.loc[kind].index
    ]
    headers = ["", *(f"{size:,} executions" for size in sizes)]
    return f"{_table(headers, rows)}\n{_ratios(times, GOAL_SIZE)}{_memory(found)}"


def _ratios(times: pd.DataFrame, size: int) -> str:
    if size not in times.columns:
        return ""
    table = []
    for name in times.loc["native"].index:
        view, native, sqlite, pandas = (
            times.loc[(kind, name), size] for kind in ("view", "native", "sqlite", "pandas")
        )
        table.append([name, *map(written, (view, native, sqlite, pandas)), f"{sqlite / view:.0f}"])
    headers = ["view", "here", "native DuckDB tables", "sqlite3", "pandas", "times faster than sqlite3"]
    return f"The aggregate views at {size:,} executions, next to other ways:\n\n{_table(headers, table)}\n"


def _table(headers: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(headers) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (headers, rule, *rows))


def _memory(found: pd.DataFrame) -> str:
    """Say how much memory each process took at its peak."""
    peaks = found.dropna(subset="peak_mb").pivot_table(
        index="operation", columns="executions", values="peak_mb", sort=False
    )
    rows = [[name, *("" if pd.isna(peak) else f"{peak:.0f} MB" for peak in peaks.loc[name])] for name in peaks.index]
    return f"Peak memory:\n\n{_table(['', *(f'{size:,} executions' for size in peaks.columns)], rows)}"


def written(seconds: float | None) -> str:
    """Write seconds with two or three digits and their unit; nothing where they were not measured."""
    if seconds is None or pd.isna(seconds):
        return ""
    if seconds >= 1:
        return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main()
