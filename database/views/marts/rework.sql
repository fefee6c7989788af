-- One row is a month of a repository: the changes that came, and how many of them were undone, touched again, or corrected.
-- key: repository, month
-- repository: the repository
-- month: the month in which they came, such as 2026-03
-- changes [count]: changes that came to the main branch
-- lines [lines]: added and deleted, without generated, vendored and lock files
-- fixes [count]: of the changes, those that correct a defect
-- reverted [count]: of the changes, those that were undone wholly
-- partly_reverted [count]: of the changes, those that were undone in part
-- aged_14 [count]: of the changes, those that are old enough to say what 14 days later became of them
-- reworked_14 [count]: of these, those of which lines were gone
-- aged_30 [count]: of the changes, those that are old enough to say what 30 days later became of them
-- reworked_30 [count]: of these, those of which lines were gone
-- surviving_30 [share of 1]: of the lines that these added, those that were still there; empty where none is old enough
-- induced_defects [count]: defects that came in with these changes, as far as known
-- cost_usd [USD]: what the sessions of these changes cost, as far as known
SELECT
    changes.repository,
    strftime(changes.merged_at, '%Y-%m') AS month,
    count(*) AS changes,
    CAST(sum(changes.lines) AS BIGINT) AS lines,
    count(*) FILTER (WHERE changes.is_fix) AS fixes,
    count(*) FILTER (WHERE changes.outcome = 'reverted') AS reverted,
    count(*) FILTER (WHERE changes.outcome = 'partly_reverted') AS partly_reverted,
    count(changes.is_reworked_14) AS aged_14,
    count(*) FILTER (WHERE changes.is_reworked_14) AS reworked_14,
    count(changes.is_reworked_30) AS aged_30,
    count(*) FILTER (WHERE changes.is_reworked_30) AS reworked_30,
    sum(changes.surviving_30 * changes.lines_added)
    / NULLIF(sum(changes.lines_added) FILTER (WHERE changes.surviving_30 IS NOT NULL), 0) AS surviving_30,
    CAST(sum(COALESCE(found.defects, 0)) AS BIGINT) AS induced_defects,
    sum(changes.cost_usd) AS cost_usd
FROM changes
LEFT JOIN (
    SELECT
        task_id,
        count(*) AS defects
    FROM stg_defects
    WHERE NOT is_false_positive
    GROUP BY task_id
) AS found ON changes.task_id = found.task_id
WHERE changes.merged_at IS NOT NULL
GROUP BY 1, 2
