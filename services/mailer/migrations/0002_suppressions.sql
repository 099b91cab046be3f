-- Addresses that get no mails, and what is said of them and of mails elsewhere.
CREATE TABLE suppressions (
    -- in lower case
    email text PRIMARY KEY,
    reason text NOT NULL CHECK (reason IN ('bounce', 'complaint')),
    -- the server's answer, or what the report said
    detail text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- As long as a message is remembered: what reports of bounces and complaints name is its id.
ALTER TABLE inbox ADD COLUMN recipient text;

-- See shared/outbox.sql.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    envelope json NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX outbox_due ON outbox (attempts, next_at);
