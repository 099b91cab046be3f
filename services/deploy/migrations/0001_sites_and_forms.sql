-- Who owns sites, as auth last told us: plan limits and notices must not ask auth.
CREATE TABLE accounts (
    id text PRIMARY KEY,
    email text NOT NULL,
    plan text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE deployments (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    slug text NOT NULL,
    -- what the host serves; null while nothing is published
    live_version int,
    last_version int NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- deleted ones keep their name: nobody else may take over its visitors
CREATE UNIQUE INDEX deployments_slug ON deployments (slug);
CREATE INDEX deployments_of_account ON deployments (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Never changed: publishing moves `live_version`, a rollback moves it back.
CREATE TABLE versions (
    deployment_id text NOT NULL REFERENCES deployments,
    number int NOT NULL,
    -- path to [sha256, size, type]
    manifest jsonb NOT NULL,
    files int NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- id of the key or session
    created_by text NOT NULL,
    PRIMARY KEY (deployment_id, number)
);

ALTER TABLE deployments ADD CONSTRAINT deployments_live_version
    FOREIGN KEY (id, live_version) REFERENCES versions (deployment_id, number) DEFERRABLE INITIALLY DEFERRED;

-- No reference to deployments: its lock would make one hot row of every busy form.
CREATE TABLE submissions (
    id text PRIMARY KEY,
    deployment_id text NOT NULL,
    form text,
    status text NOT NULL CHECK (status IN ('accepted', 'spam')),
    -- json, not jsonb: keeps the form's order
    data json NOT NULL,
    version int NOT NULL,
    created_at timestamptz NOT NULL,
    idempotency_key text,
    -- SHA-256 of what was sent, beside an idempotency key
    body_digest text
);

CREATE INDEX submissions_of_deployment ON submissions (deployment_id, status, created_at DESC, id DESC);
CREATE UNIQUE INDEX submissions_idempotency ON submissions (deployment_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- shared/outbox.sql
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    envelope json NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- fresh rows first: those that nobody takes must not hold up the others
CREATE INDEX outbox_due ON outbox (attempts, next_at);
