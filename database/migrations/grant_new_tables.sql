-- After a store has got tables that its version lacked: whoever may read or write the roles may do the same with these,
-- which views read.

DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN
        SELECT
            added.name,
            granted.privilege_type,
            CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END AS grantee,
            CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS may_grant
        FROM (VALUES ('people'), ('name_alias'), ('code_change'), ('change_session'),
            ('budget'), ('agent_change'), ('change_assignment')) AS added (name)
        CROSS JOIN pg_class
        CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS granted
        WHERE pg_class.oid = 'agent_roles'::REGCLASS AND granted.grantee <> pg_class.relowner
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s%s', found.privilege_type, found.name, found.grantee, found.may_grant);
    END LOOP;
END
$$;
