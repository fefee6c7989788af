-- One row is one defect as it was logged, false alarms included.
-- defect_id: the defect
-- created_at [UTC]: when it was found
-- resolved_at [UTC]: when it was corrected
-- task_id: the task in which it was found
-- project_id: the project
-- user_id: the person
-- defect_type: the class of defect, of the AI taxonomy or of PSP's ten
-- severity: Low, Medium, High or Critical
-- phase_injected: the role that made it
-- phase_removed: the role that found it
-- component_path: where in the code
-- function_name: where in the code
-- line_number: where in the code
-- fix_latency_ms [ms]: time that the correction took
-- fix_tokens [tokens]: tokens that the correction took
-- fix_cost_usd [USD]: money that the correction took
-- fix_retries [count]: tries that the correction took
-- description: what was wrong
-- root_cause: why
-- is_flagged_by_agent: a review agent found it
-- is_validated_by_human: a person confirmed it
-- is_false_positive: the agent was wrong
-- metadata_json: anything else the source said, a JSON object
WITH typed AS (
    SELECT
        *,
        TRY_CAST(CAST(effort_to_fix_json AS VARCHAR) AS JSON) AS effort
    FROM raw.defect_log
)

SELECT
    CAST(defect_id AS VARCHAR) AS defect_id,
    TRY_CAST(created_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at,
    TRY_CAST(resolved_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS resolved_at,
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
    TRY_CAST(effort ->> 'retries' AS BIGINT) AS fix_retries,
    CAST(description AS VARCHAR) AS description,
    CAST(root_cause AS VARCHAR) AS root_cause,
    COALESCE(TRY_CAST(flagged_by_agent AS BOOLEAN), FALSE) AS is_flagged_by_agent,
    COALESCE(TRY_CAST(validated_by_human AS BOOLEAN), FALSE) AS is_validated_by_human,
    COALESCE(TRY_CAST(false_positive AS BOOLEAN), FALSE) AS is_false_positive,
    CAST(metadata AS VARCHAR) AS metadata_json
FROM typed
