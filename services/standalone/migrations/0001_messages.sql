-- What the local bus keeps until it is handled. `deliveries` is counted before a handler runs, so that a message
-- which kills the process is parked in the end too.
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    envelope json NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    deliveries int NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    parked_at timestamptz,
    reason text
);

CREATE INDEX messages_waiting ON messages (queue, available_at) WHERE parked_at IS NULL;
