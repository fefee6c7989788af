-- One row is one task, one model and one agent role: what estimation learns from.
-- key: task_id, llm_model, agent_role
-- task_id: the task
-- known_at [UTC]: when its cost became known: completion of the task, else the last execution
-- started_at [UTC]: when work on the task began, as far as its record or its executions say
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- llm_model: the model; empty where the source did not name it
-- agent_role: the role
-- size [complexity units]: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- actual_size [complexity units]: the size after the work
-- is_finished: the task is completed
-- is_failed: the task has failed; its cost was spent all the same
-- is_censored: the run was cut off (metadata says is_censored or a timeout): its cost is a lower bound
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- latency_ms [ms]: sum of what is known
-- whole_latency_ms [ms]: the same, only where every execution has a latency
-- tokens_in [tokens]: sum of what is known, cached ones included
-- whole_tokens_in [tokens]: the same, only where every execution knows its input
-- tokens_out [tokens]: sum of what is known
-- whole_tokens_out [tokens]: the same, only where every execution knows its output
-- tool_calls [count]: sum of what is known; empty where nothing is
-- planned_cost_usd [USD]: the planner's own estimate for the whole task
-- planned_latency_ms [ms]: the planner's own estimate for the whole task
WITH runs AS (
    SELECT
        task_id,
        llm_model,
        agent_role,
        {roll_up}
    FROM stg_executions
    GROUP BY task_id, llm_model, agent_role
),

cut_off AS (
    SELECT DISTINCT
        task_id,
        llm_model,
        agent_role
    FROM stg_executions
    WHERE -- Hardly any metadata has it: only texts that name it are read as JSON.
        CASE
            WHEN contains(metadata_json, 'is_censored') OR contains(metadata_json, 'agent_timeout')
                THEN
                    COALESCE(TRY_CAST(TRY_CAST(metadata_json AS JSON) ->> 'is_censored' AS BOOLEAN), FALSE)
                    OR COALESCE(TRY_CAST(metadata_json AS JSON) ->> 'failure_mode' = 'agent_timeout', FALSE)
            ELSE FALSE
        END
)

SELECT
    runs.task_id,
    COALESCE(tasks.completed_at, runs.last_at) AS known_at,
    COALESCE(tasks.started_at, runs.first_at) AS started_at,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    runs.llm_model,
    runs.agent_role,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.actual_size AS DOUBLE) AS actual_size,
    COALESCE(tasks.status = 'completed', FALSE) AS is_finished,
    COALESCE(tasks.status = 'failed', FALSE) AS is_failed,
    cut_off.task_id IS NOT NULL AS is_censored,
    runs.executions,
    runs.executions_without_cost,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    runs.latency_ms,
    CASE WHEN runs.executions_without_latency = 0 THEN runs.latency_ms END AS whole_latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CASE WHEN runs.executions_without_tokens_in = 0 THEN CAST(runs.tokens_in AS BIGINT) END AS whole_tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CASE WHEN runs.executions_without_tokens_out = 0 THEN CAST(runs.tokens_out AS BIGINT) END AS whole_tokens_out,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    tasks.estimated_cost_usd AS planned_cost_usd,
    tasks.estimated_latency_ms AS planned_latency_ms
FROM runs
LEFT JOIN stg_tasks AS tasks ON runs.task_id = tasks.task_id
LEFT JOIN cut_off
    ON
        runs.task_id = cut_off.task_id
        AND runs.agent_role = cut_off.agent_role
        AND runs.llm_model IS NOT DISTINCT FROM cut_off.llm_model
