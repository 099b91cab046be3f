-- The first migration of a service whose handlers have effects outside its database repeats this.
CREATE TABLE inbox (
    message_id text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('claimed', 'done')),
    lease_until timestamptz,
    done_at timestamptz
);

CREATE INDEX inbox_done ON inbox (done_at);
