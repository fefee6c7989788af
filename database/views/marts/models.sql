-- One row is one model of one provider and its cost over all tasks.
-- key: llm_model, llm_provider
-- llm_model: the model; empty where the source did not name it
-- llm_provider: who serves it; empty where the source did not name it
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- executions_without_price [count]: of those, the ones whose tokens are known: with a price of the model they get a cost
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
WITH runs AS (
    SELECT
        llm_model,
        llm_provider,
        count(*) FILTER (WHERE cost_usd IS NULL AND tokens_in + tokens_out > 0) AS executions_without_price,
        {roll_up}
    FROM stg_executions
    GROUP BY llm_model, llm_provider
)

SELECT
    llm_model,
    llm_provider,
    executions,
    executions_without_cost,
    executions_without_price,
    CAST(tokens_in AS BIGINT) AS tokens_in,
    CAST(tokens_out AS BIGINT) AS tokens_out,
    cost_usd
FROM runs
