-- One row is one task.
-- task_id: the task
-- created_at [UTC]: when it was created
-- started_at [UTC]: when work on it began
-- completed_at [UTC]: when it was finished
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- task_description: what is to be done
-- status: pending, in_progress, completed or failed
-- is_stub: telemetry named the task before the task itself was loaded
-- estimated_complexity [complexity units]: the size proxy before the work
-- actual_complexity [complexity units]: the size after the work
-- estimated_latency_ms [ms]: the planner's own estimate of the time
-- estimated_tokens [tokens]: the planner's own estimate of all tokens
-- estimated_cost_usd [USD]: the planner's own estimate of the cost
-- defect_count [count]: defects as the task record says; the view `defects` counts the log
-- defect_density [defects per complexity unit]: as the task record says
-- bootstrap_phase: Learning, Shadow or Autonomous at the time
-- is_human_reviewed: a person looked at the plan
-- is_human_corrected: the person changed something in the plan
-- semantic_units_json: the planning agent's decomposition, a JSON array
-- components_json: paths of the components that were touched, a JSON array
-- human_corrections_json: what the person changed, a JSON object
-- metadata_json: anything else the source said, a JSON object
-- actual_latency_ms [ms]: time as the task record says; `outcomes` prefers the sum of the executions
-- actual_tokens [tokens]: all tokens as the task record says
-- actual_cost_usd [USD]: cost as the task record says
WITH typed AS (
    SELECT
        CAST(task_id AS VARCHAR) AS task_id,
        TRY_CAST(created_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at,
        TRY_CAST(started_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS started_at,
        TRY_CAST(completed_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS completed_at,
        CAST(project_id AS VARCHAR) AS project_id,
        CAST(task_type AS VARCHAR) AS task_type,
        CAST(task_description AS VARCHAR) AS task_description,
        CAST(status AS VARCHAR) AS status,
        TRY_CAST(CAST(estimated_cost_vector_json AS VARCHAR) AS JSON) AS estimated,
        TRY_CAST(CAST(actual_cost_vector_json AS VARCHAR) AS JSON) AS actual,
        TRY_CAST(CAST(human_corrections_json AS VARCHAR) AS JSON) AS corrections,
        TRY_CAST(CAST(metadata AS VARCHAR) AS JSON) AS metadata,
        TRY_CAST(estimated_complexity AS BIGINT) AS estimated_complexity,
        TRY_CAST(actual_complexity AS BIGINT) AS actual_complexity,
        COALESCE(TRY_CAST(defect_count AS BIGINT), 0) AS defect_count,
        TRY_CAST(defect_density AS DOUBLE) AS defect_density,
        CAST(bootstrap_phase AS VARCHAR) AS bootstrap_phase,
        TRY_CAST(human_reviewed AS BOOLEAN) AS is_human_reviewed,
        CAST(semantic_units_json AS VARCHAR) AS semantic_units_json,
        CAST(components_affected AS VARCHAR) AS components_json
    FROM raw.task_metadata
)

SELECT
    task_id,
    created_at,
    started_at,
    completed_at,
    project_id,
    task_type,
    task_description,
    status,
    COALESCE(TRY_CAST(metadata ->> 'is_stub' AS BOOLEAN), FALSE) AS is_stub,
    estimated_complexity,
    actual_complexity,
    TRY_CAST(estimated ->> 'latency_ms' AS DOUBLE) AS estimated_latency_ms,
    TRY_CAST(estimated ->> 'tokens' AS DOUBLE) AS estimated_tokens,
    TRY_CAST(estimated ->> 'api_cost_usd' AS DOUBLE) AS estimated_cost_usd,
    defect_count,
    defect_density,
    bootstrap_phase,
    is_human_reviewed,
    COALESCE(
        json_array_length(corrections, '$.missing_tasks') > 0
        OR len(json_keys(corrections, '$.incorrect_complexity')) > 0
        OR NULLIF(corrections ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected,
    semantic_units_json,
    components_json,
    CAST(corrections AS VARCHAR) AS human_corrections_json,
    CAST(metadata AS VARCHAR) AS metadata_json,
    TRY_CAST(actual ->> 'latency_ms' AS DOUBLE) AS actual_latency_ms,
    TRY_CAST(actual ->> 'tokens' AS DOUBLE) AS actual_tokens,
    TRY_CAST(actual ->> 'api_cost_usd' AS DOUBLE) AS actual_cost_usd
FROM typed
