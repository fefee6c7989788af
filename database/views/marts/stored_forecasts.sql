-- One row is one cost component of one task and one estimate of it, next to the actual value; empty without any.
-- key: task_id, forecast_number, component
-- task_id: the task
-- forecast_number [count]: its place among the forecasts that were kept with the task; 0 is the planner's
-- source: planner (the task's own estimate) or workbench (stored in the task's metadata under forecasts)
-- method: how it was made, as far as known
-- made_at [UTC]: when it was made; of the planner's, when the task was created
-- component: cost_usd, latency_ms or tokens
-- estimate: the estimate, in the unit of its component; empty where none was written down
-- lower_70: lower end of its 70 % interval; empty where it had none
-- upper_70: upper end of its 70 % interval; empty where it had none
-- actual: what it was, in the same unit; empty while unknown
-- completed_at [UTC]: when the task ended
-- is_before_outcome: there is an estimate and it was made before the task ended: only such a one is evidence
WITH wide AS (
    SELECT
        task_id,
        created_at AS made_at,
        estimated_cost_usd AS cost_usd,
        estimated_latency_ms AS latency_ms,
        estimated_tokens AS tokens
    FROM stg_tasks
),

planned AS (
    SELECT
        task_id,
        made_at,
        component,
        estimate
    FROM wide
        UNPIVOT INCLUDE NULLS (estimate FOR component IN (cost_usd, latency_ms, tokens))
),

kept AS (
    SELECT
        task_id,
        TRY_CAST(TRY_CAST(metadata_json AS JSON) -> '$.forecasts' AS JSON []) AS found
    FROM stg_tasks
),

numbered AS (
    SELECT
        task_id,
        found,
        UNNEST(range(1, array_length(found) + 1)) AS forecast_number
    FROM kept
),

listed AS (
    SELECT
        task_id,
        list_extract(found, forecast_number) AS forecast,
        forecast_number
    FROM numbered
),

forecasts AS (
    SELECT
        task_id,
        0 AS forecast_number,
        'planner' AS source,
        'planner' AS method,
        made_at,
        component,
        estimate,
        CAST(NULL AS DOUBLE) AS lower_70,
        CAST(NULL AS DOUBLE) AS upper_70
    FROM planned
    UNION ALL
    SELECT
        task_id,
        forecast_number,
        'workbench' AS source,
        forecast ->> 'method' AS method,
        TRY_CAST(forecast ->> 'made_at' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS made_at,
        forecast ->> 'component' AS component,
        TRY_CAST(forecast ->> 'estimate' AS DOUBLE) AS estimate,
        TRY_CAST(forecast ->> 'lower_70' AS DOUBLE) AS lower_70,
        TRY_CAST(forecast ->> 'upper_70' AS DOUBLE) AS upper_70
    FROM listed
)

SELECT
    forecasts.task_id,
    CAST(forecasts.forecast_number AS BIGINT) AS forecast_number,
    forecasts.source,
    forecasts.method,
    forecasts.made_at,
    forecasts.component,
    forecasts.estimate,
    forecasts.lower_70,
    forecasts.upper_70,
    CASE forecasts.component
        WHEN 'cost_usd' THEN COALESCE(tasks.whole_cost_usd, tasks.reported_cost_usd)
        WHEN 'latency_ms' THEN COALESCE(tasks.whole_latency_ms, tasks.reported_latency_ms)
        WHEN 'tokens' THEN COALESCE(tasks.whole_tokens, tasks.reported_tokens)
    END AS actual,
    tasks.completed_at,
    forecasts.estimate IS NOT NULL
    AND forecasts.made_at < COALESCE(tasks.completed_at, TIMESTAMP '9999-01-01') AS is_before_outcome
FROM forecasts
INNER JOIN tasks ON forecasts.task_id = tasks.task_id
