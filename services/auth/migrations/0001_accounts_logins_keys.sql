-- An account is its address without regard to case.
CREATE TABLE accounts (
    id text PRIMARY KEY,
    email text NOT NULL CONSTRAINT accounts_email_key UNIQUE,
    plan text NOT NULL DEFAULT 'free',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One login from its start to the credential it ends in; `kind` says which: a key for a client, a session for a browser.
CREATE TABLE logins (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('client', 'browser')),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied', 'delivered')),
    verifier_digest text NOT NULL,
    user_code text NOT NULL,
    client_name text NOT NULL,
    client_version text NOT NULL,
    client_host text NOT NULL,
    ip text NOT NULL,
    -- where the latest code went; the account exists once a code came back
    email text,
    account_id text REFERENCES accounts,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    polled_at timestamptz,
    approved_at timestamptz,
    ended_at timestamptz,
    CHECK (state NOT IN ('approved', 'delivered') OR account_id IS NOT NULL)
);

-- One mail: its code and its link. Both count their tries, for all who try.
CREATE TABLE login_codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login_id text NOT NULL REFERENCES logins ON DELETE CASCADE,
    email text NOT NULL,
    -- without case and +tag: what mails are counted by
    mailbox text NOT NULL,
    salt bytea NOT NULL,
    code_digest text NOT NULL,
    link_digest text NOT NULL CONSTRAINT login_codes_link_key UNIQUE,
    code_tries int NOT NULL DEFAULT 0,
    link_tries int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    voided_at timestamptz
);

CREATE INDEX login_codes_login ON login_codes (login_id);
CREATE INDEX login_codes_mailbox ON login_codes (mailbox, created_at);
CREATE INDEX login_codes_live ON login_codes (email) WHERE used_at IS NULL AND voided_at IS NULL;

CREATE TABLE keys (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    digest text NOT NULL CONSTRAINT keys_digest_key UNIQUE,
    name text NOT NULL,
    hint text NOT NULL,
    scopes text[] NOT NULL,
    site text,
    created_via text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX keys_account ON keys (account_id, created_at DESC, id DESC);

-- Browsers that are logged in.
CREATE TABLE sessions (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    digest text NOT NULL CONSTRAINT sessions_digest_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- As shared/outbox.sql has it: rows live for milliseconds, so vacuum early, or the index fills with dead ones.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    envelope jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- fresh rows first: those that nobody takes must not hold up the others
CREATE INDEX outbox_due ON outbox (attempts, next_at);
