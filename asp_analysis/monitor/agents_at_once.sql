-- One row: the most agents that worked at once, ever and after $since, when that was first, and on how many days of
-- the time after $since there were $limit or more; how many executions have a place in time, of how many.
WITH placed AS (
    SELECT
        task_id,
        agent_role,
        executed_at AS begun_at,
        executed_at + to_microseconds(CAST(latency_ms * 1000 AS BIGINT)) AS ended_at
    FROM executions
    WHERE
        latency_ms > 0 AND latency_ms < 1e10 AND CAST(executed_at AS TIME) <> TIME '00:00:00'
        AND executed_at <= $as_of
),

marked AS (
    SELECT
        *,
        begun_at > max(ended_at) OVER earlier AS is_new
    FROM placed
    WINDOW earlier AS (
        PARTITION BY task_id, agent_role ORDER BY begun_at, ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE is_new) OVER so_far AS stretch
    FROM marked
    WINDOW so_far AS (PARTITION BY task_id, agent_role ORDER BY begun_at, ended_at)
),

stretches AS (
    SELECT min(begun_at) AS begun_at, max(ended_at) AS ended_at
    FROM numbered
    GROUP BY task_id, agent_role, stretch
),

steps AS (
    SELECT begun_at AS counted_at, 1 AS step
    FROM stretches
    UNION ALL
    SELECT ended_at, -1
    FROM stretches
),

counts AS (
    -- Who ends at the instant at which another begins does not work at once with it: the steps down come first.
    SELECT
        counted_at,
        CAST(sum(step) OVER (ORDER BY counted_at, step ROWS UNBOUNDED PRECEDING) AS BIGINT) AS agents
    FROM steps
)

SELECT
    COALESCE(max(agents), 0) AS ever,
    arg_max(counted_at, agents) AS ever_at,
    COALESCE(max(agents) FILTER (WHERE counted_at > $since), 0) AS recent,
    arg_max(counted_at, agents) FILTER (WHERE counted_at > $since) AS recent_at,
    count(DISTINCT CAST(counted_at AS DATE)) FILTER (WHERE counted_at > $since AND agents >= $limit) AS days_at_limit,
    (SELECT count(*) FROM placed) AS placed,
    (SELECT count(*) FROM executions WHERE executed_at <= $as_of) AS executions
FROM counts
