-- One row is one task and one model that worked on it: the sums over its executions.
-- key: task_id, llm_model
-- task_id: the task
-- llm_model: the model; empty where the source did not name it
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- size [complexity units]: of the task: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
WITH runs AS (
    SELECT
        task_id,
        llm_model,
        {roll_up}
    FROM stg_executions
    GROUP BY task_id, llm_model
)

SELECT
    runs.task_id,
    runs.llm_model,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    runs.first_at,
    runs.last_at,
    runs.executions,
    runs.executions_without_cost,
    runs.latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries
FROM runs
LEFT JOIN stg_tasks AS tasks ON runs.task_id = tasks.task_id
