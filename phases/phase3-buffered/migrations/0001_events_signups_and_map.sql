-- Every shard holds every event. An event never changes, so a copy of it is never stale.
CREATE TABLE events (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    opens_at   timestamptz,
    closes_at  timestamptz,
    -- Secret key of the ids of this event's signups: the same on every shard.
    salt       bytea NOT NULL CHECK (octet_length(salt) = 32),
    CHECK (closes_at > opens_at)
);

-- As in the other phases, but for whose signups these are: those whose bucket this shard owns.
CREATE TABLE signups (
    event_id      uuid NOT NULL,
    id            uuid NOT NULL,
    email         text NOT NULL,
    name          text NOT NULL,
    signed_up_at  timestamptz NOT NULL,
    PRIMARY KEY (event_id, id)
);

-- How many signups of each event are here, kept in the transactions that write them: counting a
-- million rows on every shard, once a second, would cost more than writing them.
CREATE TABLE event_counts (
    event_id  uuid PRIMARY KEY,
    signups   bigint NOT NULL
);

-- Which shard this is, and which shard owns each of the 256 buckets. One row, the same version and
-- owners on every shard; a service refuses to start when it is not.
CREATE TABLE shard_map (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    version  integer NOT NULL,
    shard    smallint NOT NULL,
    owners   smallint[] NOT NULL CHECK (cardinality(owners) = 256)
);
