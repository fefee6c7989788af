-- One row is a change that executions show by themselves: the first time of a value after others of the same part.
WITH said AS (
    SELECT 'version' AS kind, agent_role AS part, agent_version AS value, task_id, executed_at FROM executions
    UNION ALL
    SELECT 'model' AS kind, agent_role AS part, llm_model AS value, task_id, executed_at FROM executions
    UNION ALL
    SELECT 'tool' AS kind, tool AS part, tool_version AS value, task_id, executed_at FROM executions
    UNION ALL
    SELECT
        'prompt' AS kind,
        agent_role AS part,
        COALESCE(
            TRY_CAST(metadata_json AS JSON) ->> 'prompt_hash',
            TRY_CAST(metadata_json AS JSON) ->> 'instructions_hash',
            TRY_CAST(labels AS JSON) ->> 'prompt_hash',
            TRY_CAST(labels AS JSON) ->> 'instructions_hash'
        ) AS value,
        task_id,
        executed_at
    FROM executions
    WHERE contains(metadata_json, '_hash"') OR contains(labels, '_hash"')
),

firsts AS (
    SELECT
        kind,
        part,
        value,
        min(executed_at) AS changed_at,
        count(DISTINCT task_id) AS tasks
    FROM said
    WHERE value IS NOT NULL AND part IS NOT NULL
    GROUP BY ALL
),

begun AS (
    SELECT
        kind,
        part,
        min(changed_at) AS began_at
    FROM firsts
    GROUP BY ALL
)

SELECT
    firsts.kind || ':' || firsts.part || ':' || firsts.value AS change_id,
    firsts.changed_at,
    firsts.kind,
    firsts.part,
    firsts.value,
    firsts.tasks
FROM firsts
INNER JOIN begun ON firsts.kind = begun.kind AND firsts.part = begun.part
WHERE firsts.changed_at > begun.began_at
ORDER BY firsts.changed_at, change_id
