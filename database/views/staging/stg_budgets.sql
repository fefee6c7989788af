-- One row is one budget: what may be spent in each period on a part of the store.
-- key: budget_id
-- budget_id: names the budget
-- dimension: what the part is: person, team, project, model, or label and its name; empty for the whole store
-- member: which person, team, ...; empty for the whole store
-- period: day, week, month or quarter
-- unit: USD or tokens
-- amount: how much may be spent in each period, in that unit
-- created_at [UTC]: when the budget was set
SELECT
    budget_id,
    dimension,
    member,
    period,
    unit,
    amount,
    CAST(created_at AS TIMESTAMP) AS created_at
FROM raw.budget
