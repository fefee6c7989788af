-- One row is one task: its plan, its size, what it cost, how it ended, and what was wrong with it.
-- key: task_id
-- task_id: the task
-- project_id: the project of the task, else of its executions
-- task_type: authentication, database, api, ui, ...
-- task_description: the task in words
-- status: pending, in_progress, completed or failed
-- outcome: accepted (completed), failed or open
-- is_stub: telemetry named the task before the task itself was loaded
-- created_at [UTC]: when it was created
-- started_at [UTC]: when work on it began
-- completed_at [UTC]: when it ended, completed or failed
-- known_at [UTC]: when its cost became known: its end, else its last execution
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- size [complexity units]: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- estimated_size [complexity units]: the size proxy before the work
-- actual_size [complexity units]: the size after the work
-- planned_units [count]: units of the plan
-- missing_units [count]: units that a person had to add
-- is_human_reviewed: a person looked at the plan
-- is_human_corrected: the person changed something in the plan
-- estimated_latency_ms [ms]: the planner's own estimate
-- estimated_tokens [tokens]: the planner's own estimate
-- estimated_cost_usd [USD]: the planner's own estimate
-- executions [count]: executions; 0 where nothing was recorded
-- reworked_executions [count]: of those, second and later iterations
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- executions_without_latency [count]: those whose latency is unknown
-- models [count]: models that worked on it; empty where the source named none
-- roles [count]: agent roles that worked on it
-- people [count]: persons named with its executions; empty where nobody is
-- latency_ms [ms]: sum of what is known
-- whole_latency_ms [ms]: the same, only where every execution has a latency
-- reported_latency_ms [ms]: as the task's own record says
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- tokens_fresh [tokens]: input that was neither read from nor written to a cache, sum of what is known
-- whole_tokens [tokens]: in and out, only where every execution knows both
-- reported_tokens [tokens]: as the task's own record says
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- reported_cost_usd [USD]: as the task's own record says
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
-- defects [count]: defects that were logged, false alarms left out
-- defects_in_appraisal [count]: of those, found by a review
-- defects_in_failure [count]: of those, found by a test
-- defects_elsewhere [count]: of those, found in any other phase
-- open_defects [count]: of those, not corrected yet
-- false_alarms [count]: logged, and no defects
-- components_json: paths of the components that were touched, a JSON array
WITH runs AS (
    SELECT
        task_id,
        NULLIF(count(DISTINCT llm_model), 0) AS models,
        count(DISTINCT agent_role) AS roles,
        NULLIF(count(DISTINCT user_id), 0) AS people,
        {roll_up}
    FROM stg_executions
    GROUP BY task_id
),

found AS (
    SELECT
        defects.task_id,
        count(*) FILTER (WHERE NOT defects.is_false_positive) AS defects,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND removed.kind = 'appraisal') AS in_appraisal,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND removed.kind = 'failure') AS in_failure,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND defects.fixed_at IS NULL) AS still_open,
        count(*) FILTER (WHERE defects.is_false_positive) AS false_alarms
    FROM stg_defects AS defects
    LEFT JOIN stg_roles AS removed ON defects.phase_removed = removed.agent_role
    GROUP BY defects.task_id
)

SELECT
    tasks.task_id,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.task_description,
    tasks.status,
    CASE tasks.status WHEN 'completed' THEN 'accepted' WHEN 'failed' THEN 'failed' ELSE 'open' END AS outcome,
    tasks.is_stub,
    tasks.created_at,
    tasks.started_at,
    tasks.completed_at,
    COALESCE(tasks.completed_at, runs.last_at) AS known_at,
    runs.first_at,
    runs.last_at,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.estimated_size AS DOUBLE PRECISION) AS estimated_size,
    CAST(tasks.actual_size AS DOUBLE PRECISION) AS actual_size,
    tasks.planned_units,
    tasks.missing_units,
    tasks.is_human_reviewed,
    tasks.is_human_corrected,
    tasks.estimated_latency_ms,
    tasks.estimated_tokens,
    tasks.estimated_cost_usd,
    COALESCE(runs.executions, 0) AS executions,
    runs.reworked_executions,
    runs.executions_without_cost,
    runs.executions_without_latency,
    runs.models,
    runs.roles,
    runs.people,
    runs.latency_ms,
    CASE WHEN runs.executions_without_latency = 0 THEN runs.latency_ms END AS whole_latency_ms,
    tasks.reported_latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    CAST(runs.tokens_fresh AS BIGINT) AS tokens_fresh,
    CASE WHEN runs.executions_without_tokens_in + runs.executions_without_tokens_out = 0 THEN CAST(runs.tokens AS BIGINT) END AS whole_tokens,
    tasks.reported_tokens,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    tasks.reported_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries,
    COALESCE(found.defects, 0) AS defects,
    COALESCE(found.in_appraisal, 0) AS defects_in_appraisal,
    COALESCE(found.in_failure, 0) AS defects_in_failure,
    COALESCE(found.defects - found.in_appraisal - found.in_failure, 0) AS defects_elsewhere,
    COALESCE(found.still_open, 0) AS open_defects,
    COALESCE(found.false_alarms, 0) AS false_alarms,
    tasks.components_json
FROM stg_tasks AS tasks
LEFT JOIN runs ON tasks.task_id = runs.task_id
LEFT JOIN found ON tasks.task_id = found.task_id
