-- One row is one measurement of one capability.
-- measured_at [UTC]: when it was measured
-- period_start_at [UTC]: begin of the period that was measured
-- period_end_at [UTC]: end of the period that was measured
-- capability: PROBE_AI, TaskDecomposition, ErrorProneDetection, ReviewAgent_Design, ReviewAgent_Code or DefectTypePrediction
-- mode: Learning, Shadow or Autonomous
-- tasks_completed [count]: tasks so far
-- tasks_needed [count]: tasks that graduation needs
-- metric_name: the primary metric
-- metric_value: its value; unknown before there is data
-- metric_target: the value it has to reach
-- is_graduated: the criteria of the next mode are met
-- notes: why, in words
-- secondary_metrics_json: further metrics, a JSON object
-- metadata_json: anything else the source said, a JSON object
SELECT
    TRY_CAST(measured_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS measured_at,
    TRY_CAST(measurement_period_start AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS period_start_at,
    TRY_CAST(measurement_period_end AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS period_end_at,
    CAST(capability_name AS VARCHAR) AS capability,
    CAST(capability_mode AS VARCHAR) AS mode,
    TRY_CAST(tasks_completed AS BIGINT) AS tasks_completed,
    TRY_CAST(tasks_required_for_graduation AS BIGINT) AS tasks_needed,
    CAST(primary_metric_name AS VARCHAR) AS metric_name,
    TRY_CAST(primary_metric_value AS DOUBLE) AS metric_value,
    TRY_CAST(primary_metric_target AS DOUBLE) AS metric_target,
    TRY_CAST(graduation_criteria_met AS BOOLEAN) AS is_graduated,
    CAST(graduation_notes AS VARCHAR) AS notes,
    CAST(secondary_metrics_json AS VARCHAR) AS secondary_metrics_json,
    CAST(metadata AS VARCHAR) AS metadata_json
FROM raw.bootstrap_metrics
