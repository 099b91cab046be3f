-- Which of an account's changes is known here, and when a deleted one's sites go.
ALTER TABLE accounts
    ADD COLUMN revision int NOT NULL DEFAULT 0,
    ADD COLUMN ends_at timestamptz;
CREATE INDEX accounts_ending ON accounts (ends_at) WHERE ends_at IS NOT NULL;

-- deleted ones too: they are exported, and emptied with their account
DROP INDEX deployments_of_account;
CREATE INDEX deployments_of_account ON deployments (account_id, created_at DESC, id DESC);
