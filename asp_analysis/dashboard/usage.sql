-- One row per period, project, model, role, person, team, machine and repository: what was used. Period 0 ends with the
-- newest day. Executions are summed by what they say first: only those few sums meet the people.
WITH newest AS (
    SELECT max(CAST(executed_at AS DATE)) AS newest_day FROM executions
),

summed AS (
    SELECT
        CAST(executed_at AS DATE) AS day,
        llm_model,
        agent_role,
        project_id,
        user_id,
        machine,
        repository,
        labels,
        count(*) AS executions,
        count(cost_usd) AS with_cost,
        sum(cost_usd) AS cost_usd,
        CAST(sum(tokens_in + tokens_out) AS DOUBLE) AS tokens
    FROM executions
    GROUP BY ALL
)

SELECT
    CAST(date_diff('day', summed.day, newest.newest_day) // $days AS INTEGER) AS period,
    summed.llm_model,
    summed.agent_role,
    summed.project_id,
    summed.user_id,
    COALESCE(staffing.team, json_extract_string(summed.labels, '$.team')) AS team,
    summed.machine,
    summed.repository,
    CAST(sum(summed.executions) AS BIGINT) AS executions,
    CAST(sum(summed.with_cost) AS BIGINT) AS with_cost,
    sum(summed.cost_usd) AS cost_usd,
    sum(summed.tokens) AS tokens
FROM summed
CROSS JOIN newest
LEFT JOIN staffing
    ON
        summed.user_id = staffing.person
        AND summed.day >= staffing.from_day
        AND summed.day <= COALESCE(staffing.until_day, DATE '9999-12-31')
GROUP BY ALL
