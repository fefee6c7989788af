-- One row is one execution with the team that its person was in on that day (UTC).
-- key: execution_id
-- execution_id: the execution
-- executed_at [UTC]: when it happened
-- day [date]: the UTC date
-- week: the ISO week, such as 2026-W10
-- month: the month, such as 2026-03
-- person: the person; empty where nobody said so
-- team: the person's team on that day, else what the label team says; empty where neither is known
-- cost_center: who paid for the person on that day, else what the label cost_center says; empty where neither is known
-- machine: the computer on which the agent ran
-- project_id: the project of the task, else of the execution
-- repository: the repository in which the agent worked
-- branch: the branch in which the agent worked
-- task_id: the task
-- agent_role: the role
-- llm_model: the model
-- tool: the agent program that wrote the record
-- tool_version: version of that program
-- agent_version: version of the agent's prompt
-- labels: anything else to group by, a JSON object of texts
-- tokens_in [tokens]: all input tokens, cached ones included
-- tokens_out [tokens]: output tokens
-- cost_usd [USD]: what the model calls cost; empty where unknown
SELECT
    executions.execution_id,
    executions.executed_at,
    CAST(executions.executed_at AS DATE) AS day,
    strftime(executions.executed_at, '%G-W%V') AS week,
    strftime(executions.executed_at, '%Y-%m') AS month,
    executions.user_id AS person,
    COALESCE(staffing.team, json_extract_string(executions.labels, '$.team')) AS team,
    COALESCE(staffing.cost_center, json_extract_string(executions.labels, '$.cost_center')) AS cost_center,
    executions.machine,
    COALESCE(tasks.project_id, executions.project_id) AS project_id,
    executions.repository,
    executions.branch,
    executions.task_id,
    executions.agent_role,
    executions.llm_model,
    executions.tool,
    executions.tool_version,
    executions.agent_version,
    executions.labels,
    executions.tokens_in,
    executions.tokens_out,
    executions.cost_usd
FROM stg_executions AS executions
LEFT JOIN stg_tasks AS tasks ON executions.task_id = tasks.task_id
LEFT JOIN staffing
    ON
        executions.user_id = staffing.person
        AND CAST(executions.executed_at AS DATE) >= staffing.from_day
        AND CAST(executions.executed_at AS DATE) <= COALESCE(staffing.until_day, DATE '9999-12-31')
