-- One row is one task, one agent role (phase), one model and one version of its prompt: what this work consumed.
-- task_id: the task
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- agent_role: the role
-- phase_order: its place in the order of phases; empty for roles of one's own
-- kind: overhead, construction, appraisal or failure; empty for roles of one's own
-- llm_model: the model
-- agent_version: version of the agent's prompt
-- actual_size [complexity units]: of the task
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- repeats [count]: executions of a second or later iteration
-- executions_without_cost [count]: executions whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens [tokens]: in and out, sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- repeat_latency_ms [ms]: of that, what second and later iterations took
-- repeat_tokens [tokens]: of that, what second and later iterations took
-- repeat_cost_usd [USD]: of that, what second and later iterations took
SELECT
    executions.task_id,
    any_value(COALESCE(executions.project_id, tasks.project_id)) AS project_id,
    any_value(tasks.task_type) AS task_type,
    any_value(tasks.status) AS status,
    executions.agent_role,
    any_value(roles.phase_order) AS phase_order,
    any_value(roles.kind) AS kind,
    executions.llm_model,
    executions.agent_version,
    any_value(tasks.actual_size) AS actual_size,
    min(executions."at") AS first_at,
    max(executions."at") AS last_at,
    count(*) AS executions,
    count(*) FILTER (WHERE executions.agent_iteration > 1) AS repeats,
    count(*) - count(executions.cost_usd) AS executions_without_cost,
    sum(executions.latency_ms) AS latency_ms,
    CAST(sum(executions.tokens_in + executions.tokens_out) AS DOUBLE) AS tokens,
    sum(executions.cost_usd) AS cost_usd,
    sum(executions.latency_ms) FILTER (WHERE executions.agent_iteration > 1) AS repeat_latency_ms,
    CAST(
        sum(executions.tokens_in + executions.tokens_out) FILTER (WHERE executions.agent_iteration > 1) AS DOUBLE
    ) AS repeat_tokens,
    sum(executions.cost_usd) FILTER (WHERE executions.agent_iteration > 1) AS repeat_cost_usd
FROM executions
LEFT JOIN outcomes AS tasks ON executions.task_id = tasks.task_id
LEFT JOIN stg_roles AS roles ON executions.agent_role = roles.agent_role
GROUP BY executions.task_id, executions.agent_role, executions.llm_model, executions.agent_version
