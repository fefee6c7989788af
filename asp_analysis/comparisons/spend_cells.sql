-- One row per period, kind of call, model and whether tokens are known: calls, tokens and cost, of calls with a cost.
SELECT
    period,
    kind,
    llm_model,
    has_tokens,
    count(*) AS calls,
    CAST(COALESCE(sum(tokens_fresh) FILTER (WHERE has_tokens), 0) AS DOUBLE) AS tokens_fresh,
    CAST(COALESCE(sum(tokens_cache_read) FILTER (WHERE has_tokens), 0) AS DOUBLE) AS tokens_cache_read,
    CAST(COALESCE(sum(tokens_cache_write) FILTER (WHERE has_tokens), 0) AS DOUBLE) AS tokens_cache_write,
    CAST(COALESCE(sum(tokens_out) FILTER (WHERE has_tokens), 0) AS DOUBLE) AS tokens_out,
    CAST(sum(CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS cost_usd
FROM compared
WHERE cost_usd IS NOT NULL
GROUP BY ALL
ORDER BY ALL
