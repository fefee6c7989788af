"""Quality as PSP defines it, for agents: where defects come in and go out, what that costs, and what is drifting.

`phases` holds the data and the order of phases, `removal` yields and leverage, `costs` the cost of quality, `reviews`
the reviewers, `control` the control charts.
"""

from asp_analysis.quality.code_outcomes import count_outcomes
from asp_analysis.quality.control import IndividualsChart, cost_charts, cusum, density_charts, u_chart, xmr_chart
from asp_analysis.quality.costs import accepted_costs, cost_of_quality, defect_pareto, fix_costs
from asp_analysis.quality.people import PeopleRates, costs_with_people, people_costs
from asp_analysis.quality.phases import Work, check_phases
from asp_analysis.quality.removal import flow_note, injection_matrix, phase_yields, removal_measures
from asp_analysis.quality.reviews import review_effectiveness

__all__ = [
    "IndividualsChart",
    "PeopleRates",
    "Work",
    "accepted_costs",
    "check_phases",
    "cost_charts",
    "cost_of_quality",
    "costs_with_people",
    "count_outcomes",
    "cusum",
    "defect_pareto",
    "density_charts",
    "fix_costs",
    "flow_note",
    "injection_matrix",
    "people_costs",
    "phase_yields",
    "removal_measures",
    "review_effectiveness",
    "u_chart",
    "xmr_chart",
]
