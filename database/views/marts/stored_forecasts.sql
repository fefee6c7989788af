-- One row is one cost component of one task and one estimate of it, beside what it was; empty without any.
-- task_id: the task
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

listed AS (
    SELECT
        task_id,
        unnest(CAST(TRY_CAST(metadata_json AS JSON) -> '$.forecasts' AS JSON [])) AS forecast
    FROM stg_tasks
    WHERE json_type(TRY_CAST(metadata_json AS JSON), '$.forecasts') = 'ARRAY'
),

forecasts AS (
    SELECT
        task_id,
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
    forecasts.source,
    forecasts.method,
    forecasts.made_at,
    forecasts.component,
    forecasts.estimate,
    forecasts.lower_70,
    forecasts.upper_70,
    CASE forecasts.component
        WHEN 'cost_usd' THEN tasks.cost_usd
        WHEN 'latency_ms' THEN tasks.latency_ms
        WHEN 'tokens' THEN tasks.tokens
    END AS actual,
    tasks.completed_at,
    forecasts.estimate IS NOT NULL
    AND forecasts.made_at < COALESCE(tasks.completed_at, TIMESTAMP '9999-01-01') AS is_before_outcome
FROM forecasts
INNER JOIN outcomes AS tasks ON forecasts.task_id = tasks.task_id
