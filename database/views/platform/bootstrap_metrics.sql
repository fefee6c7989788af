-- One row is one measurement of one capability, with the columns of the store.
SELECT
    CAST(capability_name AS VARCHAR) AS capability,
    TRY_CAST(CAST(measured_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS measured_at,
    TRY_CAST(CAST(measurement_period_start AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS period_start_at,
    TRY_CAST(CAST(measurement_period_end AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS period_end_at,
    CAST(capability_mode AS VARCHAR) AS mode,
    TRY_CAST(tasks_completed AS BIGINT) AS tasks_completed,
    TRY_CAST(tasks_required_for_graduation AS BIGINT) AS tasks_needed,
    CAST(primary_metric_name AS VARCHAR) AS metric_name,
    TRY_CAST(primary_metric_value AS DOUBLE) AS metric_value,
    TRY_CAST(primary_metric_target AS DOUBLE) AS metric_target,
    TRY_CAST(graduation_criteria_met AS BOOLEAN) AS is_graduated,
    CAST(graduation_notes AS VARCHAR) AS notes,
    CAST(secondary_metrics_json AS VARCHAR) AS secondary_metrics_json,
    CAST(metadata AS VARCHAR) AS metadata_json,
    CAST(NULL AS BIGINT) AS load_id
FROM platform.bootstrap_metrics
