-- What who serves may do, and nothing else: nothing recorded is changed or removed. Where that role is not
-- (compose/postgres/roles.sql makes it), whoever owns the schema serves, too.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'signup_server') THEN
        GRANT SELECT, INSERT ON events, signups TO signup_server;
        GRANT SELECT, INSERT, UPDATE ON event_counts TO signup_server;
        -- A lock on the map's row needs the right to change some column of it: this one cannot be changed.
        GRANT SELECT, UPDATE (one) ON shard_map TO signup_server;
    END IF;
END
$$;
