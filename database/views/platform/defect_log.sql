-- One row is one defect, with the columns of the store.
WITH typed AS (
    SELECT
        *,
        TRY_CAST(CAST(effort_to_fix_json AS VARCHAR) AS JSON) AS effort
    FROM platform.defect_log
)

SELECT
    CAST(defect_id AS VARCHAR) AS defect_id,
    TRY_CAST(CAST(created_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS found_at,
    TRY_CAST(CAST(resolved_at AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS fixed_at,
    CAST(task_id AS VARCHAR) AS task_id,
    CAST(project_id AS VARCHAR) AS project_id,
    CAST(user_id AS VARCHAR) AS user_id,
    CAST(defect_type AS VARCHAR) AS defect_type,
    CAST(severity AS VARCHAR) AS severity,
    CAST(phase_injected AS VARCHAR) AS phase_injected,
    CAST(phase_removed AS VARCHAR) AS phase_removed,
    CAST(component_path AS VARCHAR) AS component_path,
    CAST(function_name AS VARCHAR) AS function_name,
    TRY_CAST(line_number AS BIGINT) AS line_number,
    TRY_CAST(effort ->> 'latency_ms' AS DOUBLE) AS fix_latency_ms,
    TRY_CAST(effort ->> 'tokens' AS DOUBLE) AS fix_tokens,
    TRY_CAST(effort ->> 'api_cost_usd' AS DOUBLE) AS fix_cost_usd,
    CASE WHEN TRY_CAST(effort ->> 'retries' AS DOUBLE) % 1 = 0 THEN TRY_CAST(effort ->> 'retries' AS BIGINT) END AS fix_retries,
    CAST(description AS VARCHAR) AS description,
    CAST(root_cause AS VARCHAR) AS root_cause,
    CAST(resolution_notes AS VARCHAR) AS resolution_notes,
    COALESCE(TRY_CAST(flagged_by_agent AS BOOLEAN), FALSE) AS is_flagged_by_agent,
    COALESCE(TRY_CAST(validated_by_human AS BOOLEAN), FALSE) AS is_validated_by_human,
    COALESCE(TRY_CAST(false_positive AS BOOLEAN), FALSE) AS is_false_positive,
    CAST(metadata AS VARCHAR) AS metadata_json,
    CAST(NULL AS BIGINT) AS load_id
FROM typed
