-- One row is one task.
-- key: task_id
-- task_id: the task
-- created_at [UTC]: when it was created
-- started_at [UTC]: when work on it began
-- completed_at [UTC]: when it was finished
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- task_description: the task in words
-- requirements_text: the requirements in full
-- status: pending, in_progress, completed or failed
-- is_stub: telemetry named the task before the task itself was loaded
-- estimated_size [complexity units]: the size proxy before the work
-- actual_size [complexity units]: the size after the work
-- estimated_latency_ms [ms]: the planner's own estimate of the time
-- estimated_tokens [tokens]: the planner's own estimate of all tokens
-- estimated_cost_usd [USD]: the planner's own estimate of the cost
-- reported_latency_ms [ms]: time as the task's own record says
-- reported_tokens [tokens]: all tokens as the task's own record says
-- reported_cost_usd [USD]: cost as the task's own record says
-- reported_defects [count]: defects as the task's own record says; the view `defects` has those that were logged
-- reported_defect_density [defects per complexity unit]: as the task's own record says
-- bootstrap_phase: Learning, Shadow or Autonomous at the time
-- is_human_reviewed: a person looked at the plan
-- is_human_corrected: the person changed something in the plan
-- planned_units [count]: units of the plan
-- missing_units [count]: units that a person had to add
-- semantic_units_json: the planning agent's decomposition, a JSON array
-- components_json: paths of the components that were touched, a JSON array
-- human_corrections_json: what the person changed, a JSON object
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
WITH typed AS (
    SELECT
        * REPLACE (
            CAST(semantic_units_json AS VARCHAR) AS semantic_units_json,
            CAST(components_json AS VARCHAR) AS components_json,
            CAST(human_corrections_json AS VARCHAR) AS human_corrections_json,
            CAST(metadata_json AS VARCHAR) AS metadata_json
        ),
        TRY_CAST(CAST(human_corrections_json AS VARCHAR) AS JSON) AS corrections,
        TRY_CAST(CAST(semantic_units_json AS VARCHAR) AS JSON) AS units
    FROM raw.task_metadata
)

SELECT
    task_id,
    CAST(created_at AS TIMESTAMP) AS created_at,
    CAST(started_at AS TIMESTAMP) AS started_at,
    CAST(completed_at AS TIMESTAMP) AS completed_at,
    project_id,
    task_type,
    task_description,
    requirements_text,
    status,
    CAST(is_stub AS BOOLEAN) AS is_stub,
    estimated_size,
    actual_size,
    estimated_latency_ms,
    estimated_tokens,
    estimated_cost_usd,
    reported_latency_ms,
    reported_tokens,
    reported_cost_usd,
    reported_defects,
    reported_defect_density,
    bootstrap_phase,
    CAST(is_human_reviewed AS BOOLEAN) AS is_human_reviewed,
    COALESCE(
        CASE WHEN json_type(corrections, '$.missing_tasks') = 'ARRAY' THEN json_array_length(corrections, '$.missing_tasks') > 0 END
        OR array_length(json_keys(corrections, '$.incorrect_complexity')) > 0
        OR NULLIF(corrections ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected,
    CAST(
        CASE WHEN json_type(units) = 'ARRAY' THEN json_array_length(units) WHEN units IS NOT NULL THEN 0 END AS BIGINT
    ) AS planned_units,
    CAST(
        CASE
            WHEN json_type(corrections, '$.missing_tasks') = 'ARRAY' THEN json_array_length(corrections, '$.missing_tasks')
            WHEN json_type(corrections, '$.missing_tasks') IS NOT NULL THEN 0
        END AS BIGINT
    ) AS missing_units,
    semantic_units_json,
    components_json,
    human_corrections_json,
    metadata_json,
    load_id
FROM typed
