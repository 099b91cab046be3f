-- What a request with an Idempotency-Key made, and the SHA-256 of that request's body.
ALTER TABLE keys ADD COLUMN idempotency_key text, ADD COLUMN body_digest text;
CREATE UNIQUE INDEX keys_idempotency ON keys (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
