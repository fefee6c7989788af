-- One row is one task: what was planned, what a person changed in the plan, what came of it.
-- task_id: the task
-- created_at [UTC]: when it was created
-- started_at [UTC]: when work on it began
-- completed_at [UTC]: when it ended, completed or failed
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- task_description: what is to be done
-- status: pending, in_progress, completed or failed
-- size [complexity units]: estimated complexity; the actual one where nothing was estimated
-- actual_size [complexity units]: actual complexity; the estimated one where the actual is unknown
-- components_json: paths of the components that were touched, a JSON array
-- is_human_reviewed: a person looked at the plan
-- is_human_corrected: the person changed something in the plan
-- planned_units [count]: units of the plan
-- missing_units [count]: units that a person had to add
-- cost_usd [USD]: what it cost: the sum of its executions where all are known, else what the task record says
-- latency_ms [ms]: how long it took, by the same rule
-- tokens [tokens]: tokens in and out, by the same rule
-- spent_usd [USD]: sum of the known costs of its executions, a lower bound; else what the task record says
-- executions_without_cost [count]: executions whose cost is unknown
WITH runs AS (
    SELECT
        task_id,
        count(*) AS executions,
        count(cost_usd) AS with_cost,
        count(latency_ms) AS with_latency,
        count(tokens_in + tokens_out) AS with_tokens,
        sum(cost_usd) AS cost_usd,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in + tokens_out) AS tokens
    FROM executions
    GROUP BY task_id
)

SELECT
    tasks.task_id,
    tasks.created_at,
    tasks.started_at,
    tasks.completed_at,
    tasks.project_id,
    tasks.task_type,
    tasks.task_description,
    tasks.status,
    CAST(COALESCE(tasks.estimated_complexity, tasks.actual_complexity) AS DOUBLE) AS size,
    CAST(COALESCE(tasks.actual_complexity, tasks.estimated_complexity) AS DOUBLE) AS actual_size,
    tasks.components_json,
    tasks.is_human_reviewed,
    tasks.is_human_corrected,
    json_array_length(TRY_CAST(tasks.semantic_units_json AS JSON)) AS planned_units,
    json_array_length(TRY_CAST(tasks.human_corrections_json AS JSON), '$.missing_tasks') AS missing_units,
    CASE WHEN runs.with_cost = runs.executions THEN runs.cost_usd ELSE tasks.actual_cost_usd END AS cost_usd,
    CASE WHEN runs.with_latency = runs.executions THEN runs.latency_ms ELSE tasks.actual_latency_ms END AS latency_ms,
    CASE
        WHEN runs.with_tokens = runs.executions THEN CAST(runs.tokens AS DOUBLE) ELSE tasks.actual_tokens
    END AS tokens,
    COALESCE(runs.cost_usd, tasks.actual_cost_usd) AS spent_usd,
    runs.executions - runs.with_cost AS executions_without_cost
FROM stg_tasks AS tasks
LEFT JOIN runs ON tasks.task_id = runs.task_id
