"""Charts: `plot_*(frame, ax=None, title=None) -> Axes`. They draw what they are given and compute nothing but places.

A frame's columns have the names that the views use. The caller says the finding in `title`. `use_style()` comes first.
"""

from asp_analysis.charts.agents import (
    plot_cost_by_project,
    plot_cost_per_day,
    plot_most_expensive_tasks,
    plot_tokens_by_kind,
)
from asp_analysis.charts.backtests import (
    plot_backtest,
    plot_calibration,
    plot_coverage_by_size,
    plot_error_over_time,
    plot_positions,
    plot_scores,
)
from asp_analysis.charts.bridge import plot_period_costs, plot_spend_bridge
from asp_analysis.charts.budget_fan import plot_budget_fan
from asp_analysis.charts.control import plot_control_chart, plot_control_charts, plot_cusum, plot_u_chart
from asp_analysis.charts.costs import plot_cost_by_role, plot_cost_distribution, plot_cost_per_week
from asp_analysis.charts.deliveries import (
    plot_cost_per_outcome,
    plot_outcome_shares,
    plot_rework_by_month,
    plot_spend_by_outcome,
)
from asp_analysis.charts.distributions import plot_funnel, plot_quantiles
from asp_analysis.charts.estimates import plot_estimate_vector, plot_methods, plot_models, plot_probe, plot_residuals
from asp_analysis.charts.learning import (
    plot_criteria,
    plot_evidence,
    plot_learning_curve,
    plot_learning_curves,
    plot_modes,
)
from asp_analysis.charts.looks import plot_before_after, plot_looks
from asp_analysis.charts.quality import (
    plot_cost_of_quality,
    plot_defect_flow,
    plot_defect_pareto,
    plot_defects_by_phase,
    plot_error_prone_areas,
    plot_fix_cost_by_phase,
    plot_phase_yields,
    plot_review_effectiveness,
)
from asp_analysis.charts.store import plot_growth, plot_limit_use
from asp_analysis.charts.style import use_style

__all__ = [
    "plot_backtest",
    "plot_before_after",
    "plot_budget_fan",
    "plot_calibration",
    "plot_control_chart",
    "plot_control_charts",
    "plot_cost_by_project",
    "plot_cost_by_role",
    "plot_cost_distribution",
    "plot_cost_of_quality",
    "plot_cost_per_day",
    "plot_cost_per_outcome",
    "plot_cost_per_week",
    "plot_coverage_by_size",
    "plot_criteria",
    "plot_cusum",
    "plot_defect_flow",
    "plot_defect_pareto",
    "plot_defects_by_phase",
    "plot_error_over_time",
    "plot_error_prone_areas",
    "plot_estimate_vector",
    "plot_evidence",
    "plot_fix_cost_by_phase",
    "plot_funnel",
    "plot_growth",
    "plot_learning_curve",
    "plot_learning_curves",
    "plot_limit_use",
    "plot_looks",
    "plot_methods",
    "plot_models",
    "plot_modes",
    "plot_most_expensive_tasks",
    "plot_outcome_shares",
    "plot_period_costs",
    "plot_phase_yields",
    "plot_positions",
    "plot_probe",
    "plot_quantiles",
    "plot_residuals",
    "plot_review_effectiveness",
    "plot_rework_by_month",
    "plot_scores",
    "plot_spend_bridge",
    "plot_spend_by_outcome",
    "plot_tokens_by_kind",
    "plot_u_chart",
    "use_style",
]
