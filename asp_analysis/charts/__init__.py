"""Charts: `plot_*(frame, ax=None, title=None) -> Axes`. They draw what they are given and compute nothing but places.

A frame's columns have the names that the views use. The caller says the finding in `title`. `use_style()` comes first.
"""

from asp_analysis.charts.backtests import (
    plot_backtest,
    plot_calibration,
    plot_coverage_by_size,
    plot_error_over_time,
    plot_scores,
)
from asp_analysis.charts.costs import plot_cost_by_role, plot_cost_distribution, plot_cost_per_week
from asp_analysis.charts.estimates import (
    plot_estimate_vector,
    plot_methods,
    plot_models,
    plot_probe,
    plot_residuals,
)
from asp_analysis.charts.learning import plot_graduation, plot_learning_curve, plot_learning_curves
from asp_analysis.charts.quality import plot_defect_flow, plot_defects_by_phase, plot_fix_cost_by_phase
from asp_analysis.charts.style import use_style

__all__ = [
    "plot_backtest",
    "plot_calibration",
    "plot_cost_by_role",
    "plot_cost_distribution",
    "plot_cost_per_week",
    "plot_coverage_by_size",
    "plot_defect_flow",
    "plot_defects_by_phase",
    "plot_error_over_time",
    "plot_estimate_vector",
    "plot_fix_cost_by_phase",
    "plot_graduation",
    "plot_learning_curve",
    "plot_learning_curves",
    "plot_methods",
    "plot_models",
    "plot_probe",
    "plot_residuals",
    "plot_scores",
    "use_style",
]
