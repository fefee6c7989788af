-- One row per name: what it cost in both periods, the largest change first.
SELECT
    CAST({named} AS VARCHAR) AS name,
    CAST(COALESCE(sum(CAST(cost_usd AS DECIMAL(38, 12))) FILTER (WHERE period = 'before'), 0) AS DOUBLE) AS before_usd,
    CAST(COALESCE(sum(CAST(cost_usd AS DECIMAL(38, 12))) FILTER (WHERE period = 'after'), 0) AS DOUBLE) AS after_usd,
    CAST(sum(CASE WHEN period = 'after' THEN 1 ELSE -1 END * CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS change_usd
FROM compared
WHERE cost_usd IS NOT NULL
GROUP BY ALL
ORDER BY abs(change_usd) DESC, name
