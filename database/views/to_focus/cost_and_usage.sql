-- One row is what one model cost one project in one day (UTC), as FOCUS 1.2 has it; what has no known cost is left out.
-- key: ChargePeriodStart, ProviderName, x_Model, SubAccountId
WITH charged AS (
    SELECT
        date_trunc('day', executed_at) AS day,
        COALESCE(llm_provider, 'unknown') AS provider,
        COALESCE(llm_model, 'unknown') AS model,
        project_id,
        CAST(sum(CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS cost_usd,
        CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
        CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
        count(*) AS executions
    FROM stg_executions
    WHERE
        cost_usd IS NOT NULL
        AND (CAST($since AS TIMESTAMP) IS NULL OR executed_at >= CAST($since AS TIMESTAMP))
    GROUP BY 1, 2, 3, 4
)

SELECT
    cost_usd AS "BilledCost",
    'asp-analysis/' || provider AS "BillingAccountId",
    CAST(NULL AS VARCHAR) AS "BillingAccountName",
    'USD' AS "BillingCurrency",
    strftime(date_trunc('month', day) + INTERVAL 1 MONTH, '%Y-%m-%dT00:00:00Z') AS "BillingPeriodEnd",
    strftime(date_trunc('month', day), '%Y-%m-%dT00:00:00Z') AS "BillingPeriodStart",
    'Usage' AS "ChargeCategory",
    CAST(NULL AS VARCHAR) AS "ChargeClass",
    'Use of ' || model AS "ChargeDescription",
    'Usage-Based' AS "ChargeFrequency",
    strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z') AS "ChargePeriodEnd",
    strftime(day, '%Y-%m-%dT00:00:00Z') AS "ChargePeriodStart",
    CAST(COALESCE(tokens_in + tokens_out, tokens_in, tokens_out, executions) AS DOUBLE) AS "ConsumedQuantity",
    CASE WHEN COALESCE(tokens_in, tokens_out) IS NULL THEN 'Requests' ELSE 'Tokens' END AS "ConsumedUnit",
    cost_usd AS "ContractedCost",
    cost_usd AS "EffectiveCost",
    provider AS "InvoiceIssuerName",
    cost_usd AS "ListCost",
    CAST(COALESCE(tokens_in + tokens_out, tokens_in, tokens_out, executions) AS DOUBLE) AS "PricingQuantity",
    CASE WHEN COALESCE(tokens_in, tokens_out) IS NULL THEN 'Requests' ELSE 'Tokens' END AS "PricingUnit",
    provider AS "ProviderName",
    provider AS "PublisherName",
    'AI and Machine Learning' AS "ServiceCategory",
    provider || ' models' AS "ServiceName",
    'Generative AI' AS "ServiceSubcategory",
    project_id AS "SubAccountId",
    project_id AS "SubAccountName",
    CASE WHEN project_id IS NOT NULL THEN 'Project' END AS "SubAccountType",
    executions AS "x_Executions",
    model AS "x_Model",
    tokens_in AS "x_TokensIn",
    tokens_out AS "x_TokensOut"
FROM charged
