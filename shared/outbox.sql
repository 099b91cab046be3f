-- Each service's first migration repeats this. Rows live for milliseconds: vacuum early, or the index fills with dead ones.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    envelope json NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- fresh rows first: those that nobody takes must not hold up the others
CREATE INDEX outbox_due ON outbox (attempts, next_at);
