-- One row is one execution: one run of one agent role on one task.
-- key: execution_id
-- execution_id: names the execution in its source
-- executed_at [UTC]: when it happened
-- task_id: the task
-- subtask_id: the part of the task
-- project_id: the project
-- user_id: the person
-- agent_role: the phase, which agent worked
-- agent_version: version of the agent's prompt
-- agent_iteration [count]: number of the retry or correction loop, 1 is the first try
-- llm_model: the model
-- llm_provider: who runs the model
-- latency_ms [ms]: how long it took
-- tokens_in [tokens]: all input tokens, cached ones included
-- tokens_out [tokens]: output tokens
-- tokens_cache_read [tokens]: input tokens read from a cache
-- tokens_cache_write [tokens]: input tokens written to a cache
-- cost_usd [USD]: what the model calls cost; empty where unknown
-- tool_calls [count]: calls of tools
-- retries [count]: retries
-- memory_mb [MB]: memory used
-- machine: the computer on which the agent ran
-- tool: the agent program that wrote the record
-- tool_version: version of that program
-- labels: anything to group by, a JSON object of texts
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
-- repository: the repository in which the agent worked
-- branch: the branch in which the agent worked
SELECT
    executions.execution_id,
    CAST(executions.executed_at AS TIMESTAMP) AS executed_at,
    executions.task_id,
    executions.subtask_id,
    executions.project_id,
    executions.user_id,
    COALESCE(roles.name, executions.agent_role) AS agent_role,
    executions.agent_version,
    executions.agent_iteration,
    COALESCE(models.name, executions.llm_model) AS llm_model,
    executions.llm_provider,
    executions.latency_ms,
    executions.tokens_in,
    executions.tokens_out,
    executions.tokens_cache_read,
    executions.tokens_cache_write,
    executions.cost_usd,
    executions.tool_calls,
    executions.retries,
    executions.memory_mb,
    executions.machine,
    executions.tool,
    executions.tool_version,
    CAST(executions.labels AS VARCHAR) AS labels,
    CAST(executions.metadata_json AS VARCHAR) AS metadata_json,
    executions.load_id,
    executions.repository,
    CASE
        WHEN executions.branch IS NOT NULL OR NOT contains(CAST(executions.metadata_json AS VARCHAR), '"branch"') THEN executions.branch
        ELSE CAST(executions.metadata_json AS JSON) ->> 'branch'
    END AS branch
FROM raw.agent_cost_vector AS executions
LEFT JOIN raw.name_alias AS roles ON executions.agent_role = roles.alias AND roles.kind = 'role'
LEFT JOIN raw.name_alias AS models ON executions.llm_model = models.alias AND models.kind = 'model'
