-- Which of an account's changes is known here, and when a deleted one's sites go.
ALTER TABLE accounts
    ADD COLUMN revision int NOT NULL DEFAULT 0,
    ADD COLUMN ends_at timestamptz;
CREATE INDEX accounts_ending ON accounts (ends_at) WHERE ends_at IS NOT NULL;
