-- One row is one metric of one execution.
-- at [UTC]: when the execution happened
-- execution_date [date]: the UTC date of `at`
-- execution_id: names the execution; its metrics share it
-- task_id: the task
-- subtask_id: the part of the task
-- project_id: the project
-- user_id: the person
-- agent_role: the phase, which agent worked
-- agent_version: version of the agent's prompt
-- agent_iteration [count]: number of the retry or correction loop, 1 is the first try
-- llm_model: the model
-- llm_provider: who runs the model
-- metric_type: which quantity was measured
-- metric_value: its value, in metric_unit
-- metric_unit: ms, tokens, USD, MB or count
-- metadata_json: anything else the source said, a JSON object
SELECT
    TRY_CAST(timestamp AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS at,
    CAST(TRY_CAST(timestamp AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS DATE) AS execution_date,
    CAST(execution_id AS VARCHAR) AS execution_id,
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
    CAST(metric_unit AS VARCHAR) AS metric_unit,
    CAST(metadata AS VARCHAR) AS metadata_json
FROM raw.agent_cost_vector
