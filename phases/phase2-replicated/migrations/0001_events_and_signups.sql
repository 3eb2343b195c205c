-- An event never changes, so a copy of it in a process is never stale.
CREATE TABLE events (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    opens_at   timestamptz,
    closes_at  timestamptz,
    -- Secret key of the ids of this event's signups.
    salt       bytea NOT NULL CHECK (octet_length(salt) = 32),
    CHECK (closes_at > opens_at)
);

-- The primary key is the only index: it serves uniqueness, the attendance list and the count.
-- A second unique index (on the e-mail) would be a second index write a signup and decide nothing,
-- because the id is computed from the e-mail.
--
-- No foreign key to events: events are never deleted, the server has read the event before it
-- writes, and each insert would take a share lock on the one row of the event.
CREATE TABLE signups (
    event_id      uuid NOT NULL,
    id            uuid NOT NULL,
    email         text NOT NULL,
    name          text NOT NULL,
    signed_up_at  timestamptz NOT NULL,
    PRIMARY KEY (event_id, id)
);

-- The event that is there from the start. Its salt is drawn here, so that no two databases share
-- it: two random UUIDs are 32 bytes, of which 244 bits are random.
INSERT INTO events (id, name, salt)
VALUES (
    '00000000-0000-7000-8000-000000000001',
    'Launch day',
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
