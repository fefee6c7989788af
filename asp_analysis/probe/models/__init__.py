"""What the next costs of a series may be: models that forecast agents' costs, and the one that is asked.

`candidates` (every model), `running` and `reference_class` (what some of them need), `conformal` and `adaptive` (errors
of the past become intervals), `selection` (which candidate is asked next).
"""
