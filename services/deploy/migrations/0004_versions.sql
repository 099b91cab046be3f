-- Anonymous sites belong to an account of their own that nobody can log in to, until they are claimed.
ALTER TABLE accounts
    ADD COLUMN anonymous boolean NOT NULL DEFAULT false,
    -- from when on pages that ask for passwords go live at once: the operator knows the account
    ADD COLUMN trusted_at timestamptz;

ALTER TABLE deployments
    -- SHA-256 of an anonymous site's claim token, and when it was used
    ADD COLUMN claim_digest text,
    ADD COLUMN claimed_at timestamptz,
    ADD COLUMN expires_at timestamptz,
    -- argon2id
    ADD COLUMN password_hash text,
    ADD COLUMN taken_down_at timestamptz,
    ADD COLUMN taken_down_why text,
    -- until when visitors' browsers are told to forget what the name's former holder left in them
    ADD COLUMN clears_until timestamptz,
    -- bytes of all that `blob_refs` names for it
    ADD COLUMN stored bigint NOT NULL DEFAULT 0,
    -- whose Idempotency-Key it is: an account's, or that of an address without one
    ADD COLUMN idempotency_scope text;

UPDATE deployments SET idempotency_scope = account_id WHERE idempotency_key IS NOT NULL;
DROP INDEX deployments_idempotency;
CREATE UNIQUE INDEX deployments_idempotency ON deployments (idempotency_scope, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

DROP INDEX deployments_slug;
CREATE UNIQUE INDEX deployments_slug ON deployments (slug) WHERE deleted_at IS NULL;
CREATE INDEX deployments_expiring ON deployments (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX deployments_claim ON deployments (claim_digest) WHERE claim_digest IS NOT NULL;
CREATE INDEX deployments_deleted ON deployments (deleted_at) WHERE deleted_at IS NOT NULL;

-- Names that were given up, and who had them last: nobody else may take over their visitors for a while.
CREATE TABLE names (
    slug text PRIMARY KEY,
    account_id text NOT NULL,
    rests_until timestamptz NOT NULL
);
INSERT INTO names (slug, account_id, rests_until)
    SELECT slug, account_id, deleted_at + interval '90 days' FROM deployments WHERE deleted_at IS NOT NULL;

ALTER TABLE versions
    -- null while bytes are missing that it names
    ADD COLUMN ready_at timestamptz,
    -- until then: the paths whose bytes come apart, to be gone through when all are there
    ADD COLUMN named text[],
    -- what the deploy stated; becomes the site's when it is published
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
    -- what `_redirects` and `_headers` say
    ADD COLUMN rules jsonb,
    -- what was noticed about its pages
    ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';
UPDATE versions SET ready_at = created_at;
CREATE INDEX versions_unready ON versions (deployment_id) WHERE ready_at IS NULL;

-- What was live from when on: a rollback is one more row.
CREATE TABLE publications (
    deployment_id text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    version int NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    -- id of the key or session
    published_by text NOT NULL,
    PRIMARY KEY (deployment_id, id)
);
CREATE INDEX publications_of_version ON publications (deployment_id, version, id DESC);
INSERT INTO publications (deployment_id, version, published_at, published_by)
    SELECT deployment_id, number, created_at, created_by FROM versions ORDER BY created_at;

-- Every file's bytes that the store has, or is about to have.
CREATE TABLE blobs (
    sha256 text PRIMARY KEY,
    size bigint NOT NULL,
    -- when somebody last said that they need it: not swept for an hour
    touched_at timestamptz NOT NULL DEFAULT now(),
    -- null until the bytes are durable
    stored_at timestamptz,
    -- bytes of the compressed variants beside it; null where there is none
    br int,
    gzip int,
    -- perhaps nobody's: the sweep has to look
    loose boolean NOT NULL DEFAULT true
);
CREATE INDEX blobs_loose ON blobs (touched_at) WHERE loose;

-- Which site has which bytes: those that it sent itself.
CREATE TABLE blob_refs (
    deployment_id text NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (deployment_id, sha256)
);
CREATE INDEX blob_refs_of_blob ON blob_refs (sha256);
INSERT INTO blobs (sha256, size, stored_at)
    SELECT DISTINCT ON (file->>0) file->>0, (file->>1)::bigint, now() FROM versions, jsonb_each(manifest) AS entry(path, file);
INSERT INTO blob_refs (deployment_id, sha256)
    SELECT DISTINCT deployment_id, file->>0 FROM versions, jsonb_each(manifest) AS entry(path, file);
UPDATE deployments d SET stored = (
    SELECT coalesce(sum(b.size), 0) FROM blob_refs r JOIN blobs b USING (sha256) WHERE r.deployment_id = d.id);

-- What versions still wait for.
CREATE TABLE missing (
    deployment_id text NOT NULL,
    number int NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    -- as its file's
    type text NOT NULL,
    PRIMARY KEY (deployment_id, sha256, number)
);
CREATE INDEX missing_of_version ON missing (deployment_id, number);

-- Processes that serve, and where their internal port is: a publish tells each before it answers.
CREATE TABLE replicas (
    id text PRIMARY KEY,
    url text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Custom domains. Several sites may try to prove the same one; one has it.
CREATE TABLE domains (
    domain text NOT NULL,
    deployment_id text NOT NULL,
    token text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- null until it is proved, and again when it is no longer served
    verified_at timestamptz,
    -- when its proof began to be looked for: after three days in vain nobody looks by themselves
    sought_since timestamptz NOT NULL DEFAULT now(),
    -- the worker's next look; null: none
    next_at timestamptz,
    looked_at timestamptz,
    failures int NOT NULL DEFAULT 0,
    -- since when one that was proved neither leads here nor has its proof
    failing_since timestamptz,
    leads_here boolean NOT NULL DEFAULT false,
    problem text,
    -- the worker's next try for a certificate
    certificate_next_at timestamptz,
    certificate_failures int NOT NULL DEFAULT 0,
    certificate_problem text,
    certificate_expires_at timestamptz,
    PRIMARY KEY (domain, deployment_id)
);
CREATE UNIQUE INDEX domains_verified ON domains (domain) WHERE verified_at IS NOT NULL;
CREATE INDEX domains_of_deployment ON domains (deployment_id);
CREATE INDEX domains_due ON domains (next_at);
CREATE INDEX domains_uncertified ON domains (certificate_next_at);

-- What the certificate authority asks for under /.well-known/acme-challenge/ (RFC 8555 8.3).
CREATE TABLE acme_challenges (
    token text PRIMARY KEY,
    authorization_text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE acme_accounts (
    directory text PRIMARY KEY,
    -- the account's private key and registration
    state jsonb NOT NULL
);

-- What visitors report about sites, for the operator.
CREATE TABLE reports (
    id text PRIMARY KEY,
    deployment_id text,
    url text NOT NULL,
    reason text NOT NULL,
    details text NOT NULL,
    reporter text,
    created_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz
);
CREATE INDEX reports_open ON reports (created_at) WHERE handled_at IS NULL;
