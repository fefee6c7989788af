-- One row is one task and one model that worked on it: the sums over its executions.
-- task_id: the task
-- llm_model: the model; empty where the source did not name it
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- estimated_complexity [complexity units]: the size proxy before the work
-- actual_complexity [complexity units]: the size after the work
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
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
WITH wide AS (
    SELECT
        task_id,
        llm_model,
        any_value(project_id) AS project_id,
        min("at") AS first_at,
        max("at") AS last_at,
        count(*) AS executions,
        count(cost_usd) AS executions_with_cost,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(tokens_cache_read) AS tokens_cache_read,
        sum(tokens_cache_write) AS tokens_cache_write,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls,
        sum(retries) AS retries
    FROM executions
    GROUP BY task_id, llm_model
)

SELECT
    wide.task_id,
    wide.llm_model,
    COALESCE(wide.project_id, tasks.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    tasks.estimated_complexity,
    tasks.actual_complexity,
    wide.first_at,
    wide.last_at,
    wide.executions,
    wide.executions - wide.executions_with_cost AS executions_without_cost,
    wide.latency_ms,
    CAST(wide.tokens_in AS BIGINT) AS tokens_in,
    CAST(wide.tokens_out AS BIGINT) AS tokens_out,
    CAST(wide.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(wide.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    wide.cost_usd,
    CAST(wide.tool_calls AS BIGINT) AS tool_calls,
    CAST(wide.retries AS BIGINT) AS retries
FROM wide
LEFT JOIN stg_tasks AS tasks ON wide.task_id = tasks.task_id
