-- One row is one task as coding agents worked on it: its calls, its tokens by kind, and what their transcripts saw.
-- key: task_id
-- task_id: the task; by default one session
-- project_id: the project
-- status: of the task: pending, in_progress, completed or failed
-- first_at [UTC]: first call
-- last_at [UTC]: last call
-- executions [count]: model calls
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- models [count]: models that worked on it; empty where the source named none
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
-- lines_added [lines]: lines that the agent wrote; empty where the source does not record them
-- lines_removed [lines]: lines that the agent removed; empty where the source does not record them
-- files_changed [count]: files that the agent changed; empty where the source does not record them
WITH seen AS (
    SELECT
        task_id,
        TRY_CAST(metadata_json AS JSON) AS metadata
    FROM stg_tasks
)

SELECT
    tasks.task_id,
    tasks.project_id,
    tasks.status,
    tasks.first_at,
    tasks.last_at,
    tasks.executions,
    tasks.executions_without_cost,
    tasks.models,
    tasks.tokens_fresh,
    tasks.tokens_cache_read,
    tasks.tokens_cache_write,
    tasks.tokens_out,
    tasks.cost_usd,
    tasks.tool_calls,
    NULLIF(TRY_CAST(seen.metadata ->> 'active_ms' AS DOUBLE), 0) AS active_ms,
    TRY_CAST(seen.metadata ->> 'errors' AS BIGINT) AS errors,
    TRY_CAST(seen.metadata ->> 'interruptions' AS BIGINT) AS interruptions,
    TRY_CAST(seen.metadata ->> 'compactions' AS BIGINT) AS compactions,
    TRY_CAST(seen.metadata ->> 'lines_added' AS BIGINT) AS lines_added,
    TRY_CAST(seen.metadata ->> 'lines_removed' AS BIGINT) AS lines_removed,
    TRY_CAST(seen.metadata ->> 'files_changed' AS BIGINT) AS files_changed
FROM tasks
INNER JOIN seen ON tasks.task_id = seen.task_id
WHERE tasks.executions > 0
