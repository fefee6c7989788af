"""Notebook 05: whether the whole distributions that were forecast are right, not just two of their intervals."""

from functools import partial

import numpy as np
import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.next_task import FINISH
from asp_analysis.findings.replays import LEAST_FORECASTS
from asp_analysis.probe.scores import score
from asp_analysis.wording import write_noun, write_share

MANY_FORECASTS = 100
"""Forecasts from which on their positions are counted by tenths, else by fifths."""

KOLMOGOROV_95 = 1.36
"""The largest distance from uniform that n independent positions leave in 95 % of cases is this / sqrt(n)."""


def tell_positions(compared: pd.DataFrame) -> Finding:
    """Say whether the whole distribution is right: where outcomes fell in theirs (probability integral transform)."""
    position = compared.loc[compared.model == "auto", "position"].dropna() if len(compared) else pd.Series(dtype=float)
    n = len(position)
    if n < LEAST_FORECASTS:
        return lack(f"Fewer than {LEAST_FORECASTS} forecasts have a distribution to look at.", FINISH)
    parts = 10 if n >= MANY_FORECASTS else 5
    edges = np.linspace(0, 1, parts + 1)
    count = np.histogram(position, edges)[0]
    chance = 1.96 * np.sqrt((1 - 1 / parts) / (parts * n))
    table = pd.DataFrame({"begin": edges[:-1], "end": edges[1:], "n": count, "share": count / n})
    table = table.assign(lower=max(1 / parts - chance, 0), upper=1 / parts + chance)
    low, high = (position < 0.1).mean(), (position > 0.9).mean()
    scores = score(compared, by=("model",)).set_index("model")
    gap, chance_gap = scores.loc["auto", "position_gap"], KOLMOGOROV_95 / np.sqrt(n)
    word = "no more than" if gap <= chance_gap else "more than"
    text = (
        f"Of **{write_noun(n, 'outcome')}**, **{write_share(low)}** fell into the lowest tenth of their distribution "
        f"and **{write_share(high)}** into the highest. Their positions are {write_share(gap)} from uniform at most, "
        f"{word} chance would leave ({write_share(chance_gap)})."
    )
    if "past_median" in scores.index:
        own, base = scores.loc[["auto", "past_median"], "crps"]
        text += (
            f" The score of the whole distribution (CRPS on log cost) is {own:.2f}, that of the past median {base:.2f}."
        )
    title = f"{write_share(low)} in the lowest tenth, {write_share(high)} in the highest"
    names = {name: f"{name}_share" for name in ("begin", "end", "lower", "upper")} | {"share": "outcomes_share"}
    return Finding(
        text=text,
        table=table.rename(columns=names),
        draw=partial(charts.plot_positions, table, title=title),
        reading="Bars of equal height are what an honest distribution has. A hill says that intervals are too wide, a "
        "valley too narrow, a slope that estimates are too low or too high. Forecasts of one task in several roles are "
        "alike, so that more than chance is expected. The level of an interval follows the misses; this is the "
        "distribution before that.",
    )
