-- The roles of a phase's database beside its operator, the image's first role: that one is a superuser, which
-- no service is, so it gets in when the services have taken every connection (superuser_reserved_connections).
--
-- signup_owner   owns the schema; a service is it while it brings the schema up to date at its start
-- signup_server  serves: what it may do with each table, the migrations say
--
-- Run by roles.sh, which sets the two passwords. Running it again changes nothing but these.
DO $$
DECLARE
    name text;
BEGIN
    -- Roles are the whole server's: two databases of one at once, as in tests, come one after the other.
    LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE;
    FOREACH name IN ARRAY ARRAY['signup_owner', 'signup_server'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        EXECUTE format('ALTER ROLE %I PASSWORD %L', name, current_setting('roles.' || name));
    END LOOP;
    -- Phase 2 asks the replica what it has heard from its primary.
    GRANT pg_read_all_stats TO signup_server;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    -- Temporary tables are for phase3-reshard.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO signup_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO signup_server', current_database());
    -- What the operator has made, in a data directory from before there were these roles.
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO signup_owner', name);
    END LOOP;
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO signup_owner;
GRANT USAGE ON SCHEMA public TO signup_server;
