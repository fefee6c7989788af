-- One row is another name of a role or a model, for which the views show the name.
-- key: kind, alias
-- kind: role or model
-- alias: what rows of the store have
-- name: what the views show instead
-- created_at [UTC]: when the alias was made
SELECT
    kind,
    alias,
    name,
    CAST(created_at AS TIMESTAMP) AS created_at
FROM raw.name_alias
