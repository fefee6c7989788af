-- One row is one metric of one execution, as the ASP platform wrote it and with real types.
--
-- A count beyond 64 bits is unknown. A metric of a kind that is not ours is kept in the metadata, under its name.
WITH typed AS (
    SELECT
        CAST(execution_id AS VARCHAR) AS execution_id,
        TRY_CAST(id AS BIGINT) AS id,
        TRY_CAST(CAST(timestamp AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS timestamp,
        CAST(task_id AS VARCHAR) AS task_id,
        CAST(subtask_id AS VARCHAR) AS subtask_id,
        CAST(project_id AS VARCHAR) AS project_id,
        CAST(user_id AS VARCHAR) AS user_id,
        CAST(agent_role AS VARCHAR) AS agent_role,
        CAST(agent_version AS VARCHAR) AS agent_version,
        COALESCE(TRY_CAST(agent_iteration AS BIGINT), 1) AS agent_iteration,
        CAST(llm_model AS VARCHAR) AS llm_model,
        CAST(llm_provider AS VARCHAR) AS llm_provider,
        CAST(metric_type AS VARCHAR) AS metric_type,
        TRY_CAST(metric_value AS DOUBLE) AS metric_value,
        CAST(metadata AS VARCHAR) AS text
    FROM platform.agent_cost_vector
),

told AS (
    SELECT
        * EXCLUDE (text),
        CASE
            WHEN text IS NULL THEN NULL
            WHEN NOT json_valid(text) THEN CAST(json_object('text', text) AS VARCHAR)
            WHEN json_type(text) <> 'OBJECT' THEN CAST(json_object('value', CAST(text AS JSON)) AS VARCHAR)
            ELSE text
        END AS metadata,
        metric_type IN ('Latency', 'API_Cost', 'Memory_Usage') AS is_amount,
        metric_type IN (
            'Tokens_In', 'Tokens_Out', 'Tokens_Cache_Read', 'Tokens_Cache_Write', 'Tool_Calls', 'Retries'
        ) AS is_count
    FROM typed
)

SELECT
    * EXCLUDE (metadata, is_amount, is_count) REPLACE (
        CASE WHEN is_amount OR abs(metric_value) < 9e18 THEN metric_value END AS metric_value
    ),
    CASE
        WHEN is_amount OR is_count OR metric_type IS NULL THEN metadata
        ELSE
            CAST(json_merge_patch(COALESCE(metadata, '{}'), json_object(metric_type, metric_value)) AS VARCHAR)
    END AS metadata
FROM told
