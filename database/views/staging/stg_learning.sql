-- One row is one measurement of one capability.
-- key: capability, measured_at
-- capability: the capability; stg_capabilities lists them
-- measured_at [UTC]: when it was measured
-- period_start_at [UTC]: begin of the period that was measured
-- period_end_at [UTC]: end of the period that was measured
-- mode: Learning, Shadow or Autonomous
-- tasks_completed [count]: tasks so far
-- tasks_needed [count]: tasks that graduation needs
-- metric_name: the primary metric
-- metric_value: its value, in the unit of its name; unknown before there is data
-- metric_target: the value it has to reach
-- is_graduated: the criteria of the next mode are met
-- notes: why, in words
-- secondary_metrics_json: further metrics, a JSON object
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
SELECT
    capability,
    CAST(measured_at AS TIMESTAMP) AS measured_at,
    CAST(period_start_at AS TIMESTAMP) AS period_start_at,
    CAST(period_end_at AS TIMESTAMP) AS period_end_at,
    mode,
    tasks_completed,
    tasks_needed,
    metric_name,
    metric_value,
    metric_target,
    CAST(is_graduated AS BOOLEAN) AS is_graduated,
    notes,
    CAST(secondary_metrics_json AS VARCHAR) AS secondary_metrics_json,
    CAST(metadata_json AS VARCHAR) AS metadata_json,
    load_id
FROM raw.bootstrap_metrics
