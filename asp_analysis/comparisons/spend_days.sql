-- One row per day: the known cost.
WITH labelled AS (
    {labelled}
)

SELECT
    CAST({day} AS DATE) AS day,
    CAST(sum(CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS cost_usd
FROM labelled
WHERE {chosen} AND cost_usd IS NOT NULL
GROUP BY ALL
ORDER BY ALL
