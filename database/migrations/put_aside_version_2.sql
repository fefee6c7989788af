-- Before a store of schema version 2 becomes version 3: frees the names that the new tables need.
--
-- The old tables keep their rows; their keys and indexes get other names. TimescaleDB's aggregates are made of the old
-- table and are created again on the new one. Where a retention policy has removed old executions, the aggregates know
-- days that no table knows any more: those are kept as plain tables.
-- Both functions are for database/one_row_per_execution.sql and go with the old tables: asp_merged() merges the JSON
-- objects of a group, asp_rounded() rounds a half up as SQLite and DuckDB do; PostgreSQL's own round() goes to the even.

CREATE AGGREGATE asp_merged (JSONB) (SFUNC = jsonb_concat, STYPE = JSONB);

CREATE FUNCTION asp_rounded(DOUBLE PRECISION) RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE
    RETURN trunc($1) + CASE WHEN $1 - trunc($1) >= 0.5 THEN 1 ELSE 0 END;

DO $$
DECLARE
    former CONSTANT REGCLASS[] := ARRAY['agent_cost_vector', 'task_metadata', 'defect_log', 'bootstrap_metrics']::REGCLASS[];
    found RECORD;
BEGIN
    IF to_regclass('daily_cost_by_role') IS NOT NULL THEN
        CREATE TABLE former_daily_cost_by_role AS
            SELECT * FROM daily_cost_by_role
            WHERE day < (SELECT date_trunc('day', min(timestamp), 'UTC') FROM agent_cost_vector);
        CREATE TABLE former_hourly_performance AS
            SELECT * FROM hourly_performance
            WHERE hour < (SELECT date_trunc('hour', min(timestamp), 'UTC') FROM agent_cost_vector);
        IF NOT EXISTS (SELECT FROM former_daily_cost_by_role) AND NOT EXISTS (SELECT FROM former_hourly_performance) THEN
            DROP TABLE former_daily_cost_by_role, former_hourly_performance;
        END IF;
        FOR found IN
            SELECT relname AS name, pg_get_userbyid(grantee) AS grantee
            FROM pg_class CROSS JOIN LATERAL aclexplode(relacl)
            WHERE oid IN ('daily_cost_by_role'::REGCLASS, 'hourly_performance'::REGCLASS)
                AND privilege_type = 'SELECT' AND grantee NOT IN (0, relowner)
                AND to_regclass('former_' || relname) IS NOT NULL
        LOOP
            EXECUTE format('GRANT SELECT ON %I TO %I', 'former_' || found.name, found.grantee);
        END LOOP;
        DROP MATERIALIZED VIEW daily_cost_by_role;
        DROP MATERIALIZED VIEW hourly_performance;
    END IF;
    FOR found IN
        SELECT conrelid::REGCLASS AS of_table, conname AS name
        FROM pg_constraint
        WHERE contype IN ('p', 'u') AND conrelid = ANY (former)
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', found.of_table, found.name, 'former_' || found.name);
    END LOOP;
    FOR found IN
        SELECT indexrelid::REGCLASS AS of_index, relname AS name
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = ANY (former) AND relname NOT LIKE 'former\_%'
    LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', found.of_index, 'former_' || found.name);
    END LOOP;
END
$$;

ALTER TABLE agent_cost_vector RENAME TO metrics;
ALTER TABLE task_metadata RENAME TO former_task_metadata;
ALTER TABLE defect_log RENAME TO former_defect_log;
ALTER TABLE bootstrap_metrics RENAME TO former_bootstrap_metrics;
