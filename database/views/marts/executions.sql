-- One row is one execution: one run of one agent role on one task.
-- key: execution_id
-- execution_id: names the execution in its source
-- executed_at [UTC]: when it happened
-- task_id: the task
-- project_id: the project
-- agent_role: the phase, which agent worked
-- llm_model: the model
-- latency_ms [ms]: how long it took
-- tokens_in [tokens]: all input tokens, cached ones included
-- tokens_out [tokens]: output tokens
-- tokens_cache_read [tokens]: input tokens read from a cache
-- tokens_cache_write [tokens]: input tokens written to a cache
-- cost_usd [USD]: what the model calls cost; empty where unknown
-- tool_calls [count]: calls of tools
-- retries [count]: retries
-- memory_mb [MB]: memory used
-- subtask_id: the part of the task
-- user_id: the person
-- agent_version: version of the agent's prompt
-- agent_iteration [count]: number of the retry or correction loop, 1 is the first try
-- llm_provider: who runs the model
-- machine: the computer on which the agent ran
-- tool: the agent program that wrote the record
-- tool_version: version of that program
-- labels: anything to group by, a JSON object of texts
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
-- repository: the repository in which the agent worked
-- branch: the branch in which the agent worked
SELECT
    execution_id,
    executed_at,
    task_id,
    project_id,
    agent_role,
    llm_model,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    subtask_id,
    user_id,
    agent_version,
    agent_iteration,
    llm_provider,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    branch
FROM stg_executions
