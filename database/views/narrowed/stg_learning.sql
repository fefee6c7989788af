-- The measurements of the period; they are of the whole store, so that none is of one project, model or role.
SELECT *
FROM {whole}.stg_learning
WHERE
    COALESCE(CAST(getvariable('asp_project') AS VARCHAR), CAST(getvariable('asp_model') AS VARCHAR), CAST(getvariable('asp_role') AS VARCHAR)) IS NULL
    AND (CAST(getvariable('asp_since') AS TIMESTAMP) IS NULL OR measured_at >= CAST(getvariable('asp_since') AS TIMESTAMP))
    AND (CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR measured_at < CAST(getvariable('asp_before') AS TIMESTAMP))
