-- One row is one measurement of one capability's primary metric.
-- key: capability, measured_at
-- capability: the capability
-- measured_at [UTC]: when it was measured
-- mode: Learning, Shadow or Autonomous
-- tasks_completed [count]: tasks so far
-- tasks_needed [count]: tasks that graduation needs
-- metric_name: the primary metric
-- metric_value: its value, in the unit of its name; unknown before there is data
-- metric_target: the value it has to reach
-- is_graduated: the criteria of the next mode are met
-- notes: why, in words
SELECT
    capability,
    measured_at,
    mode,
    tasks_completed,
    tasks_needed,
    metric_name,
    metric_value,
    metric_target,
    is_graduated,
    notes
FROM stg_learning
