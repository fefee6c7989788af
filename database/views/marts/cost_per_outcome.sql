-- One row is one kind of outcome of a repository: how often it was reached, and what one such outcome cost.
-- key: outcome, repository
-- outcome: merged, surviving or accepted, of which one has a cost; open and unlinked, the spend that is of none yet
-- repository: the repository; empty for the whole store
-- attempts [count]: changes or tasks that have ended, whether they reached the outcome or not; empty where unlinked
-- outcomes [count]: those that reached it; empty for open and unlinked
-- priced_attempts [count]: of attempts, those of which the whole cost is known and above 0
-- priced_outcomes [count]: of outcomes, the same
-- cost_usd [USD]: what is known of the cost of the attempts; empty where nothing is
-- executions_without_cost [count]: executions whose cost is unknown; cost_usd is the sum of the others
-- usd_per_outcome [USD]: what the priced attempts cost, failed ones included, for each outcome among them
-- lower_usd [USD]: lower end of its 95 % interval; empty for fewer than 5 priced attempts, or beyond a factor of 1,000
-- upper_usd [USD]: upper end of the same
-- median_usd [USD]: half of the priced outcomes cost less, each by itself; empty where there is none
WITH sessions AS (
    SELECT
        json_extract_string(metadata_json, '$.session_id') AS session_id,
        repository,
        sum(cost_usd) AS cost_usd,
        count(*) - count(cost_usd) AS executions_without_cost
    FROM stg_executions
    GROUP BY 1, 2
),

linked AS (
    SELECT
        links.session_id,
        least(1, sum(links.share)) AS share
    FROM stg_change_sessions AS links
    INNER JOIN stg_changes AS changes ON links.change_id = changes.change_id
    GROUP BY links.session_id
),

places AS (
    SELECT
        task_id,
        min(repository) AS repository
    FROM (
        SELECT
            task_id,
            repository
        FROM stg_executions
        UNION ALL
        SELECT
            task_id,
            repository
        FROM stg_changes
    )
    GROUP BY task_id
),

-- Where models did the same work as alternatives, their sum is the cost of no task (asp_analysis/alternatives.py).
rivals AS (
    SELECT
        count(*) FILTER (WHERE models > 1) > 0.5 * count(*)
        AND (
            median(models) FILTER (WHERE models > 1) >= 3
            OR avg(CAST(is_apart AS INTEGER)) FILTER (WHERE models > 1) > 0.5
        ) AS are_there
    FROM (
        SELECT
            task_id,
            agent_role,
            count(llm_model) AS models,
            max(last_at) - min(first_at) > INTERVAL 1 DAY AS is_apart
        FROM (
            SELECT
                work.task_id,
                work.agent_role,
                work.llm_model,
                min(COALESCE(tasks.completed_at, work.last_at)) AS first_at,
                max(COALESCE(tasks.completed_at, work.last_at)) AS last_at
            FROM work
            LEFT JOIN stg_tasks AS tasks ON work.task_id = tasks.task_id
            GROUP BY work.task_id, work.agent_role, work.llm_model
        )
        GROUP BY task_id, agent_role
    )
),

attempts AS (
    SELECT
        'merged' AS outcome,
        repository,
        merged_at IS NOT NULL AS is_reached,
        cost_usd,
        executions_without_cost,
        whole_cost_usd
    FROM changes
    WHERE outcome <> 'open'
    UNION ALL
    SELECT
        'surviving' AS outcome,
        repository,
        merged_at IS NOT NULL AND outcome <> 'reverted' AND COALESCE(surviving_30 >= 0.5, TRUE) AS is_reached,
        cost_usd,
        executions_without_cost,
        whole_cost_usd
    FROM changes
    WHERE outcome = 'abandoned' OR is_reworked_30 IS NOT NULL
    UNION ALL
    SELECT
        'accepted' AS outcome,
        places.repository,
        tasks.outcome = 'accepted' AS is_reached,
        tasks.cost_usd,
        tasks.executions_without_cost,
        CASE WHEN NOT rivals.are_there THEN tasks.whole_cost_usd END AS whole_cost_usd
    FROM tasks
    CROSS JOIN rivals
    LEFT JOIN places ON tasks.task_id = places.task_id
    WHERE tasks.outcome <> 'open'
    UNION ALL
    SELECT
        'open' AS outcome,
        repository,
        NULL AS is_reached,
        cost_usd,
        executions_without_cost,
        NULL AS whole_cost_usd
    FROM changes
    WHERE outcome = 'open'
    UNION ALL
    SELECT
        'unlinked' AS outcome,
        sessions.repository,
        NULL AS is_reached,
        sessions.cost_usd * (1 - COALESCE(linked.share, 0)) AS cost_usd,
        CASE WHEN linked.share IS NULL THEN sessions.executions_without_cost ELSE 0 END AS executions_without_cost,
        NULL AS whole_cost_usd
    FROM sessions
    LEFT JOIN linked ON sessions.session_id = linked.session_id
    WHERE COALESCE(linked.share, 0) < 1
),

sums AS (
    SELECT
        outcome,
        repository,
        grouping(repository) = 1 AS is_all,
        count(*) AS attempts,
        count(*) FILTER (WHERE is_reached) AS outcomes,
        count(*) FILTER (WHERE whole_cost_usd > 0) AS priced_attempts,
        count(*) FILTER (WHERE whole_cost_usd > 0 AND is_reached) AS priced_outcomes,
        sum(cost_usd) AS cost_usd,
        CAST(sum(COALESCE(executions_without_cost, 0)) AS BIGINT) AS executions_without_cost,
        sum(whole_cost_usd) FILTER (WHERE whole_cost_usd > 0) AS priced_usd,
        var_samp(ln(whole_cost_usd)) FILTER (WHERE whole_cost_usd > 0) AS log_variance,
        median(whole_cost_usd) FILTER (WHERE whole_cost_usd > 0 AND is_reached) AS median_usd
    FROM attempts
    GROUP BY GROUPING SETS ((outcome), (outcome, repository))
),

-- Student's t at 97.5 % by its expansion in 1 / degrees of freedom (Abramowitz and Stegun 26.7.5), then the half width
-- on logs: docs/statistics.md.
intervals AS (
    SELECT
        *,
        priced_usd / NULLIF(priced_outcomes, 0) AS usd_per_outcome,
        (
            1.959964 + 2.372272 * inverse_freedom + 2.822507 * inverse_freedom ** 2
            + 2.555852 * inverse_freedom ** 3 + 1.589539 * inverse_freedom ** 4
        ) * sqrt(
            log_variance / NULLIF(priced_attempts, 0) + log_variance ** 2 * inverse_freedom / 2
            + (1 - priced_outcomes / NULLIF(priced_attempts, 0)) / NULLIF(priced_outcomes, 0)
        ) AS half_width
    FROM (
        SELECT
            *,
            1 / NULLIF(priced_attempts - 1, 0) AS inverse_freedom
        FROM sums
        WHERE is_all OR repository IS NOT NULL
    )
)

SELECT
    outcome,
    repository,
    CASE WHEN outcome <> 'unlinked' THEN attempts END AS attempts,
    CASE WHEN outcome NOT IN ('open', 'unlinked') THEN outcomes END AS outcomes,
    CASE WHEN outcome NOT IN ('open', 'unlinked') THEN priced_attempts END AS priced_attempts,
    CASE WHEN outcome NOT IN ('open', 'unlinked') THEN priced_outcomes END AS priced_outcomes,
    cost_usd,
    executions_without_cost,
    usd_per_outcome,
    CASE WHEN priced_attempts >= 5 AND half_width <= ln(1000) / 2 THEN usd_per_outcome * exp(-half_width) END AS lower_usd,
    CASE WHEN priced_attempts >= 5 AND half_width <= ln(1000) / 2 THEN usd_per_outcome * exp(half_width) END AS upper_usd,
    median_usd
FROM intervals
