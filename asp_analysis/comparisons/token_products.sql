-- One row per period and model: sums over its calls of tokens by kind over cost, and of their products.
SELECT
    period,
    llm_model,
    count(*) AS calls,
    {sums}
FROM (
    SELECT
        period,
        llm_model,
        {ratios}
    FROM compared
    WHERE cost_usd > 0 AND has_tokens
)
GROUP BY ALL
ORDER BY ALL
