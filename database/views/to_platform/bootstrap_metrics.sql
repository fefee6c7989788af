-- One row is one measurement of one capability, as the ASP platform writes it.
-- key: capability_name, measured_at
SELECT
    row_number() OVER (ORDER BY capability, measured_at) AS id,
    measured_at,
    period_start_at AS measurement_period_start,
    period_end_at AS measurement_period_end,
    capability AS capability_name,
    mode AS capability_mode,
    tasks_completed,
    tasks_needed AS tasks_required_for_graduation,
    metric_name AS primary_metric_name,
    metric_value AS primary_metric_value,
    metric_target AS primary_metric_target,
    secondary_metrics_json,
    is_graduated AS graduation_criteria_met,
    notes AS graduation_notes,
    metadata_json AS metadata
FROM stg_learning
