-- Revision counts an account's changes; a deleted account can come back for a week, then it is purged.
ALTER TABLE accounts
    ADD COLUMN revision int NOT NULL DEFAULT 1,
    ADD COLUMN deleted_at timestamptz;
CREATE INDEX accounts_deleted ON accounts (deleted_at) WHERE deleted_at IS NOT NULL;

ALTER TABLE keys
    ADD COLUMN last_used_ip text,
    ADD COLUMN last_used_client text,
    -- the key that a rotation made in its place
    ADD COLUMN replaced_by text REFERENCES keys,
    ADD COLUMN expiry_noticed_at timestamptz;
CREATE INDEX keys_expiring ON keys (expires_at) WHERE revoked_at IS NULL AND expiry_noticed_at IS NULL;

ALTER TABLE sessions
    -- where it was logged in, and where it was seen last
    ADD COLUMN ip text NOT NULL DEFAULT '',
    ADD COLUMN client text NOT NULL DEFAULT '',
    ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN last_seen_ip text NOT NULL DEFAULT '';
CREATE INDEX sessions_account ON sessions (account_id, created_at DESC, id DESC);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE INDEX logins_created ON logins (created_at);
-- what a deleted account's rows are found by, and what their references are checked by
CREATE INDEX logins_account ON logins (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX keys_replaced_by ON keys (replaced_by) WHERE replaced_by IS NOT NULL;

-- What mail limits count: every mail with a code, by mailbox (the address without case and +tag).
CREATE TABLE code_mails (
    mailbox text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE INDEX code_mails_mailbox ON code_mails (mailbox, created_at);
CREATE INDEX code_mails_created ON code_mails (created_at);
INSERT INTO code_mails (mailbox, created_at)
    SELECT mailbox, created_at FROM login_codes WHERE created_at > now() - interval '1 day';
ALTER TABLE login_codes DROP COLUMN mailbox;

-- A change of address: done when the codes sent to the old and to the new address have come back together.
CREATE TABLE email_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    -- the new account address, in its form for comparing
    email text NOT NULL,
    salt bytea NOT NULL,
    current_digest text NOT NULL,
    new_digest text NOT NULL,
    tries int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    voided_at timestamptz
);
CREATE INDEX email_changes_account ON email_changes (account_id);

-- Who did what, from where. Rows are added and never changed (R51): neither by right nor by accident.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- without reference: the trail outlives the account; null when nobody's account is known
    account_id text,
    at timestamptz NOT NULL DEFAULT now(),
    action text NOT NULL CHECK (action ~ '^[a-z]+\.[a-z_]+$'),
    actor text NOT NULL,
    key_id text,
    ip text,
    detail jsonb NOT NULL DEFAULT '{}',
    -- of the message that brought it from another service: it is delivered at least once
    message_id text CONSTRAINT audit_message_key UNIQUE
);
CREATE INDEX audit_account ON audit (account_id, at DESC, id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM CURRENT_USER;
