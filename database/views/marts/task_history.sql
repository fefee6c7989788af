-- One row is one task, one model and one agent role: what estimation learns from.
-- task_id: the task
-- at [UTC]: when its cost became known: completion of the task, else the last execution
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- llm_model: the model; empty where the source did not name it
-- agent_role: the role
-- size [complexity units]: estimated complexity; the actual one where nothing was estimated
-- actual_size [complexity units]: actual complexity
-- is_finished: the task is completed
-- is_failed: the task has failed; its cost was spent all the same
-- is_censored: the run was cut off (metadata says is_censored or a timeout): its cost is a lower bound
-- cost_usd [USD]: sum of what is known; empty where an execution has no cost
-- latency_ms [ms]: sum of what is known; empty where an execution has none
-- tokens_in [tokens]: sum of what is known; empty where an execution has none
-- tokens_out [tokens]: sum of what is known; empty where an execution has none
-- tool_calls [count]: sum of what is known; empty where nothing is
-- planned_cost_usd [USD]: the planner's own estimate for the whole task
-- planned_latency_ms [ms]: the planner's own estimate for the whole task
WITH runs AS (
    SELECT
        task_id,
        llm_model,
        agent_role,
        any_value(project_id) AS project_id,
        max("at") AS last_at,
        count(*) AS executions,
        count(cost_usd) AS with_cost,
        count(latency_ms) AS with_latency,
        count(tokens_in) AS with_tokens_in,
        count(tokens_out) AS with_tokens_out,
        sum(cost_usd) AS cost_usd,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(tool_calls) AS tool_calls,
        bool_or(
            CASE -- Hardly any metadata tells of it: only what names it is read as JSON.
                WHEN contains(metadata_json, 'is_censored') OR contains(metadata_json, 'agent_timeout')
                    THEN
                        COALESCE(TRY_CAST(TRY_CAST(metadata_json AS JSON) ->> 'is_censored' AS BOOLEAN), FALSE)
                        OR COALESCE(TRY_CAST(metadata_json AS JSON) ->> 'failure_mode' = 'agent_timeout', FALSE)
                ELSE FALSE
            END
        ) AS is_censored
    FROM executions
    GROUP BY task_id, llm_model, agent_role
)

SELECT
    runs.task_id,
    COALESCE(tasks.completed_at, runs.last_at) AS at,
    COALESCE(runs.project_id, tasks.project_id) AS project_id,
    tasks.task_type,
    runs.llm_model,
    runs.agent_role,
    CAST(COALESCE(tasks.estimated_complexity, tasks.actual_complexity) AS DOUBLE) AS size,
    CAST(tasks.actual_complexity AS DOUBLE) AS actual_size,
    COALESCE(tasks.status = 'completed', FALSE) AS is_finished,
    COALESCE(tasks.status = 'failed', FALSE) AS is_failed,
    runs.is_censored,
    CASE WHEN runs.with_cost = runs.executions THEN runs.cost_usd END AS cost_usd,
    CASE WHEN runs.with_latency = runs.executions THEN runs.latency_ms END AS latency_ms,
    CASE WHEN runs.with_tokens_in = runs.executions THEN CAST(runs.tokens_in AS DOUBLE) END AS tokens_in,
    CASE WHEN runs.with_tokens_out = runs.executions THEN CAST(runs.tokens_out AS DOUBLE) END AS tokens_out,
    CAST(runs.tool_calls AS DOUBLE) AS tool_calls,
    tasks.estimated_cost_usd AS planned_cost_usd,
    tasks.estimated_latency_ms AS planned_latency_ms
FROM runs
LEFT JOIN stg_tasks AS tasks ON runs.task_id = tasks.task_id
