-- One row is one change of code: what it was, what it cost, and what became of it.
-- key: change_id
-- change_id: the change
-- task_id: the task
-- project_id: the project
-- repository: the repository, `owner/name` where it has a remote
-- title: the title
-- task_type: the type of the task
-- flow: how it came: merge, squash, rebase, commit; branch where it has not come
-- outcome: merged, reverted, partly_reverted, open or abandoned
-- agent: coding agents that its commits name; empty where they say nothing, which does not mean a person
-- person: the e-mail address that wrote most of its commits
-- started_at [UTC]: when its first commit was written
-- merged_at [UTC]: when it came to the main branch; empty where it has not
-- open_hours [hours]: from the first commit to the main branch
-- release_name: the first tag that holds it
-- commits [count]: commits
-- files [count]: files, without generated and vendored ones
-- lines [lines]: added and deleted, without generated, vendored and lock files
-- lines_added [lines]: added, without the same
-- is_fix: it corrects a defect, as its type, title or issues say
-- is_reworked_14: lines of it were gone 14 days later; empty where the history is not that much older
-- is_reworked_30: lines of it were gone 30 days later; empty where the history is not that much older
-- surviving_30 [share of 1]: of its lines, those that were still there 30 days later; empty where unknown
-- surviving_90 [share of 1]: of its lines, those that were still there 90 days later; empty where unknown
-- reverted_at [UTC]: when it was undone, wholly or in part
-- reverted_by: the change that undid it
-- reverted_share [share of 1]: which share of its lines was undone; empty where only a message says so
-- sessions [count]: sessions of agents that worked on it, as far as known; empty where none is
-- evidence: how the sessions are known: trailer, checkpoint, branch, paths, or several
-- cost_usd [USD]: what is known of the cost of these sessions, each by its share; empty where nothing is
-- executions_without_cost [count]: executions of these sessions whose cost is unknown; empty where no session is known
-- whole_cost_usd [USD]: the cost of these sessions, only where every execution of them has one
WITH sessions AS (
    SELECT
        json_extract_string(metadata_json, '$.session_id') AS session_id,
        sum(cost_usd) AS cost_usd,
        count(*) - count(cost_usd) AS executions_without_cost
    FROM stg_executions
    WHERE json_extract_string(metadata_json, '$.session_id') IN (SELECT session_id FROM stg_change_sessions)
    GROUP BY 1
),

-- The shares of a session add up to 1 in one repository; a session that two of them name is shared by both.
shared AS (
    SELECT
        *,
        share / greatest(1, sum(share) OVER (PARTITION BY session_id)) AS part
    FROM stg_change_sessions
),

links AS (
    SELECT
        linked.change_id,
        count(*) AS sessions,
        string_agg(DISTINCT linked.evidence, ', ' ORDER BY linked.evidence) AS evidence,
        sum(linked.part * sessions.cost_usd) AS cost_usd,
        CAST(sum(sessions.executions_without_cost) AS BIGINT) AS executions_without_cost,
        count(*) = count(sessions.session_id) AS is_whole
    FROM shared AS linked
    LEFT JOIN sessions ON linked.session_id = sessions.session_id
    GROUP BY linked.change_id
)

SELECT
    changes.change_id,
    changes.task_id,
    changes.project_id,
    changes.repository,
    changes.title,
    tasks.task_type,
    changes.flow,
    CASE
        WHEN changes.reverted_at IS NULL THEN changes.outcome
        WHEN COALESCE(changes.reverted_share, 1) >= 0.9 THEN 'reverted'
        ELSE 'partly_reverted'
    END AS outcome,
    changes.agent,
    changes.user_id AS person,
    changes.started_at,
    changes.merged_at,
    date_diff('second', date_trunc('second', changes.started_at), date_trunc('second', changes.merged_at)) / 3600.0 AS open_hours,
    changes.release_name,
    changes.commits,
    changes.files,
    changes.lines_added + changes.lines_deleted AS lines,
    changes.lines_added,
    changes.is_fix,
    changes.lines_lost_14 > 0 AS is_reworked_14,
    changes.lines_lost_30 > 0 AS is_reworked_30,
    1 - changes.lines_lost_30 / NULLIF(CAST(changes.lines_added AS DOUBLE), 0) AS surviving_30,
    1 - changes.lines_lost_90 / NULLIF(CAST(changes.lines_added AS DOUBLE), 0) AS surviving_90,
    changes.reverted_at,
    changes.reverted_by,
    changes.reverted_share,
    links.sessions,
    links.evidence,
    links.cost_usd,
    links.executions_without_cost,
    CASE WHEN links.is_whole AND links.executions_without_cost = 0 THEN links.cost_usd END AS whole_cost_usd
FROM stg_changes AS changes
LEFT JOIN stg_tasks AS tasks ON changes.task_id = tasks.task_id
LEFT JOIN links ON changes.change_id = links.change_id
