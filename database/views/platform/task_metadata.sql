-- One row is one task, with the columns of the store; one that only telemetry names is a stub.
WITH typed AS (
    SELECT
        *,
        TRY_CAST(CAST(estimated_cost_vector_json AS VARCHAR) AS JSON) AS estimated,
        TRY_CAST(CAST(actual_cost_vector_json AS VARCHAR) AS JSON) AS reported,
        TRY_CAST(CAST(metadata AS VARCHAR) AS JSON) AS told
    FROM platform.task_metadata
),

named AS (
    SELECT
        CAST(task_id AS VARCHAR) AS task_id,
        TRY_CAST(CAST(timestamp AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at
    FROM platform.agent_cost_vector
    UNION ALL
    SELECT
        CAST(task_id AS VARCHAR) AS task_id,
        TRY_CAST(CAST(created_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at
    FROM platform.defect_log
)

SELECT
    CAST(task_id AS VARCHAR) AS task_id,
    TRY_CAST(CAST(created_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at,
    TRY_CAST(CAST(started_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS started_at,
    TRY_CAST(CAST(completed_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS completed_at,
    CAST(project_id AS VARCHAR) AS project_id,
    CAST(task_type AS VARCHAR) AS task_type,
    CAST(task_description AS VARCHAR) AS task_description,
    CAST(requirements_text AS VARCHAR) AS requirements_text,
    CAST(status AS VARCHAR) AS status,
    COALESCE(TRY_CAST(told ->> 'is_stub' AS BOOLEAN), FALSE) AS is_stub,
    TRY_CAST(estimated_complexity AS BIGINT) AS estimated_size,
    TRY_CAST(actual_complexity AS BIGINT) AS actual_size,
    TRY_CAST(estimated ->> 'latency_ms' AS DOUBLE) AS estimated_latency_ms,
    TRY_CAST(estimated ->> 'tokens' AS DOUBLE) AS estimated_tokens,
    TRY_CAST(estimated ->> 'api_cost_usd' AS DOUBLE) AS estimated_cost_usd,
    TRY_CAST(reported ->> 'latency_ms' AS DOUBLE) AS reported_latency_ms,
    TRY_CAST(reported ->> 'tokens' AS DOUBLE) AS reported_tokens,
    TRY_CAST(reported ->> 'api_cost_usd' AS DOUBLE) AS reported_cost_usd,
    TRY_CAST(defect_count AS BIGINT) AS reported_defects,
    TRY_CAST(defect_density AS DOUBLE) AS reported_defect_density,
    CAST(bootstrap_phase AS VARCHAR) AS bootstrap_phase,
    TRY_CAST(human_reviewed AS BOOLEAN) AS is_human_reviewed,
    CAST(human_corrections_json AS VARCHAR) AS human_corrections_json,
    CAST(semantic_units_json AS VARCHAR) AS semantic_units_json,
    CAST(components_affected AS VARCHAR) AS components_json,
    CAST(metadata AS VARCHAR) AS metadata_json,
    CAST(NULL AS BIGINT) AS load_id
FROM typed
UNION ALL BY NAME
SELECT
    task_id,
    min(created_at) AS created_at,
    'pending' AS status,
    TRUE AS is_stub
FROM named
WHERE task_id IS NOT NULL AND task_id NOT IN (
    SELECT CAST(task_id AS VARCHAR) AS task_id
    FROM platform.task_metadata
    WHERE task_id IS NOT NULL
)
GROUP BY task_id
