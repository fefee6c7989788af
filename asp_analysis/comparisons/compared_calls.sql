-- The executions of two periods, one row each: the period, the kind of call, its model, task, tokens by kind and cost.
WITH labelled AS (
    {labelled}
),

compared AS (
    SELECT
        CASE WHEN executed_at >= $after_since AND executed_at < $after_end THEN 'after' ELSE 'before' END AS period,
        CASE
            WHEN task_id IS NULL THEN 'without a task'
            WHEN contains(metadata_json, '"agent"') AND (TRY_CAST(metadata_json AS JSON) ->> 'agent') IS NOT NULL
                THEN 'sub-agents'
            WHEN agent_iteration > 1 OR retries > 0 THEN 'rework'
            ELSE 'main'
        END AS kind,
        *,
        COALESCE(tokens_in + tokens_out > 0, FALSE) AS has_tokens,
        GREATEST(tokens_in - COALESCE(tokens_cache_read, 0) - COALESCE(tokens_cache_write, 0), 0) AS tokens_fresh
    FROM labelled
    WHERE
        {chosen}
        AND (
            (executed_at >= $before_since AND executed_at < $before_end)
            OR (executed_at >= $after_since AND executed_at < $after_end)
        )
)
