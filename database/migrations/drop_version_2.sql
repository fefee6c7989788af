-- After a store of schema version 2 has become version 3: whoever could use an old table can use what took its place,
-- and the old tables go. Whoever could read the roles can read the other vocabularies, whoever could read the executions
-- the views. A view of somebody's own that reads an old table stops it.

DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN
        SELECT
            replaced.name,
            granted.privilege_type,
            CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END AS grantee,
            CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS may_grant
        FROM (VALUES
            ('metrics', 'agent_cost_vector', TRUE), ('former_task_metadata', 'task_metadata', TRUE),
            ('former_defect_log', 'defect_log', TRUE), ('former_bootstrap_metrics', 'bootstrap_metrics', TRUE),
            ('agent_roles', 'capabilities', TRUE), ('agent_roles', 'defect_types', TRUE),
            ('metrics', 'executions', FALSE), ('metrics', 'work', FALSE), ('metrics', 'task_costs', FALSE),
            ('metrics', 'tasks', FALSE), ('metrics', 'defects', FALSE)
        ) AS replaced (former, name, is_table)
        JOIN pg_class ON pg_class.oid = replaced.former::REGCLASS
        CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS granted
        WHERE granted.grantee <> pg_class.relowner AND (replaced.is_table OR granted.privilege_type = 'SELECT')
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s%s', found.privilege_type, found.name, found.grantee, found.may_grant);
        IF found.name = 'agent_cost_vector' AND found.privilege_type = 'UPDATE' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION asp_move_execution TO %s', found.grantee);
        END IF;
    END LOOP;
END
$$;

DROP TABLE metrics;
DROP TABLE former_defect_log;
DROP TABLE former_bootstrap_metrics;
DROP TABLE former_task_metadata;
DROP AGGREGATE asp_merged (JSONB);
DROP FUNCTION asp_rounded (DOUBLE PRECISION);
