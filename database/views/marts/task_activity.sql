-- One row is one task as coding agents worked on it: its calls, its tokens by kind, and what their transcripts saw.
-- task_id: the task; by default one session
-- project_id: the project
-- status: of the task: pending, in_progress, completed or failed
-- first_at [UTC]: first call
-- last_at [UTC]: last call
-- calls [count]: executions, of which a model call is one
-- calls_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- models [count]: models that worked on it
-- tokens_fresh [tokens]: input that was neither read from nor written to a cache, as far as is known
-- tokens_cache_read [tokens]: input read from a cache, sum of what is known
-- tokens_cache_write [tokens]: input written to a cache, sum of what is known
-- tokens_out [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- tool_calls [count]: sum of what is known
-- active_ms [ms]: how long the agent worked, from the question to the end of the answer; empty where unknown
-- errors [count]: failed tool calls and failed requests; empty where the source does not record them
-- interruptions [count]: how often a person stopped the agent; empty where the source does not record them
-- compactions [count]: how often the context was summed up; empty where the source does not record them
-- lines_added [count]: lines that the agent wrote; empty where the source does not record them
-- lines_removed [count]: lines that the agent removed; empty where the source does not record them
-- files_changed [count]: files that the agent changed; empty where the source does not record them
WITH runs AS (
    SELECT
        task_id,
        any_value(project_id) AS project_id,
        min("at") AS first_at,
        max("at") AS last_at,
        count(*) AS calls,
        count(*) - count(cost_usd) AS calls_without_cost,
        count(DISTINCT llm_model) AS models,
        sum(tokens_in - COALESCE(tokens_cache_read, 0) - COALESCE(tokens_cache_write, 0)) AS tokens_fresh,
        sum(tokens_cache_read) AS tokens_cache_read,
        sum(tokens_cache_write) AS tokens_cache_write,
        sum(tokens_out) AS tokens_out,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls
    FROM executions
    GROUP BY task_id
),

seen AS (
    SELECT
        task_id,
        project_id,
        status,
        TRY_CAST(metadata_json AS JSON) AS metadata
    FROM stg_tasks
)

SELECT
    runs.task_id,
    COALESCE(runs.project_id, seen.project_id) AS project_id,
    seen.status,
    runs.first_at,
    runs.last_at,
    runs.calls,
    runs.calls_without_cost,
    runs.models,
    CAST(runs.tokens_fresh AS BIGINT) AS tokens_fresh,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    runs.cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    NULLIF(TRY_CAST(seen.metadata ->> 'active_ms' AS DOUBLE), 0) AS active_ms,
    TRY_CAST(seen.metadata ->> 'errors' AS BIGINT) AS errors,
    TRY_CAST(seen.metadata ->> 'interruptions' AS BIGINT) AS interruptions,
    TRY_CAST(seen.metadata ->> 'compactions' AS BIGINT) AS compactions,
    TRY_CAST(seen.metadata ->> 'lines_added' AS BIGINT) AS lines_added,
    TRY_CAST(seen.metadata ->> 'lines_removed' AS BIGINT) AS lines_removed,
    TRY_CAST(seen.metadata ->> 'files_changed' AS BIGINT) AS files_changed
FROM runs
LEFT JOIN seen ON runs.task_id = seen.task_id
