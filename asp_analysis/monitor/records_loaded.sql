-- One row: how many records were written after $since and up to $as_of, by how many loads, and when the last one ended.
SELECT
    CAST(COALESCE(sum(written), 0) AS BIGINT) AS records,
    count(*) AS loads,
    max(finished_at) AS last_at
FROM stg_loads
WHERE finished_at > $since AND finished_at <= $as_of
