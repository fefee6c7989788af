-- The changes of one project that came in the period, those that had not come by its end as open ones. What became of
-- a change later is unknown before.
WITH seen AS (
    SELECT
        *,
        CAST(getvariable('asp_before') AS TIMESTAMP) AS ends_at,
        COALESCE(merged_at >= CAST(getvariable('asp_before') AS TIMESTAMP), FALSE) AS comes_later,
        COALESCE(reverted_at >= CAST(getvariable('asp_before') AS TIMESTAMP), FALSE) AS is_undone_later,
        COALESCE(released_at >= CAST(getvariable('asp_before') AS TIMESTAMP), FALSE) AS is_released_later
    FROM {whole}.stg_changes
    WHERE
        (CAST(getvariable('asp_project') AS VARCHAR) IS NULL OR project_id = CAST(getvariable('asp_project') AS VARCHAR))
        AND (CAST(getvariable('asp_since') AS TIMESTAMP) IS NULL OR COALESCE(merged_at, started_at) >= CAST(getvariable('asp_since') AS TIMESTAMP))
        AND (CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR started_at < CAST(getvariable('asp_before') AS TIMESTAMP))
)

SELECT
    seen.* EXCLUDE (ends_at, comes_later, is_undone_later, is_released_later) REPLACE (
        CASE WHEN comes_later OR (outcome = 'abandoned' AND ends_at IS NOT NULL) THEN 'open' ELSE outcome END AS outcome,
        CASE WHEN NOT comes_later THEN merged_at END AS merged_at,
        CASE WHEN NOT is_released_later THEN release_name END AS release_name,
        CASE WHEN NOT is_released_later THEN released_at END AS released_at,
        CASE WHEN ends_at IS NULL OR merged_at + INTERVAL 14 DAY < ends_at THEN lines_lost_14 END AS lines_lost_14,
        CASE WHEN ends_at IS NULL OR merged_at + INTERVAL 30 DAY < ends_at THEN lines_lost_30 END AS lines_lost_30,
        CASE WHEN ends_at IS NULL OR merged_at + INTERVAL 90 DAY < ends_at THEN lines_lost_90 END AS lines_lost_90,
        CASE WHEN NOT is_undone_later THEN reverted_at END AS reverted_at,
        CASE WHEN NOT is_undone_later THEN reverted_by END AS reverted_by,
        CASE WHEN NOT is_undone_later THEN reverted_share END AS reverted_share,
        CASE WHEN NOT is_undone_later THEN revert_evidence END AS revert_evidence
    )
FROM seen
