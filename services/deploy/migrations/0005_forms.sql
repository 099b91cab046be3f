-- Forms: what is held as spam and why, what was read, files, search, mails and webhooks of each submission.
ALTER TABLE submissions
    DROP CONSTRAINT submissions_status_check,
    -- test: sent by the owner to try the form; never listed or counted among the others
    ADD CONSTRAINT submissions_status_check CHECK (status IN ('accepted', 'spam', 'test')),
    -- why it is held
    ADD COLUMN spam_reason text,
    ADD COLUMN read_at timestamptz,
    -- names that the form of its version does not have, and what else does not fit it
    ADD COLUMN unknown_fields json,
    ADD COLUMN problems json,
    -- id, field, name, type and size of each; their bytes are in `uploads`
    ADD COLUMN files json,
    ADD COLUMN request_id text,
    -- for the mail about it: what the form would have in its subject, and where a reply goes
    ADD COLUMN subject text,
    ADD COLUMN reply_to text,
    -- from the request's arrival to this row's writing
    ADD COLUMN stored_ms real,
    -- what search finds it by: words, its site's id, and `=` with its form's name
    ADD COLUMN words tsvector NOT NULL DEFAULT '';

UPDATE submissions s SET words = (
    SELECT coalesce(array_to_tsvector(array_agg(DISTINCT word)), '')
    FROM (
        SELECT unnest(ARRAY[s.deployment_id]) AS word
        UNION SELECT left(found, 40) FROM json_each_text(s.data) AS entry,
            regexp_split_to_table(lower(entry.value), '[^[:alnum:]]+') AS found
        UNION SELECT '=' || string_agg(CASE WHEN letter ~ '[A-Za-z0-9_.~-]' THEN letter
                ELSE upper(regexp_replace(encode(convert_to(letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END, '' ORDER BY n)
            FROM regexp_split_to_table(s.form, '') WITH ORDINALITY AS letters (letter, n)
    ) AS words
    WHERE word <> '');
-- a site's id is a word of it, so one index finds the words of one site
CREATE INDEX submissions_words ON submissions USING gin (words);
CREATE INDEX submissions_spam ON submissions (created_at) WHERE status <> 'accepted';
CREATE INDEX submissions_unread ON submissions (deployment_id) WHERE status = 'accepted' AND read_at IS NULL;
CREATE INDEX deployments_with_retention ON deployments (id) WHERE settings ? 'retention';

-- How many there are, exactly, whatever puts in, marks or deletes; in shards, so that writers do not meet.
CREATE TABLE submission_totals (
    deployment_id text NOT NULL,
    status text NOT NULL,
    shard smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (deployment_id, status, shard)
) WITH (fillfactor = 50);
INSERT INTO submission_totals (deployment_id, status, shard, count)
    SELECT deployment_id, status, 0, count(*) FROM submissions GROUP BY deployment_id, status;

CREATE FUNCTION count_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO submission_totals AS t (deployment_id, status, shard, count)
        SELECT deployment_id, status, pg_backend_pid() % 16, count(*) FROM added GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (deployment_id, status, shard) DO UPDATE SET count = t.count + excluded.count;
    RETURN NULL;
END $$;
CREATE FUNCTION count_moved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO submission_totals AS t (deployment_id, status, shard, count)
        SELECT deployment_id, status, pg_backend_pid() % 16, sum(one)
        FROM (SELECT deployment_id, status, 1 AS one FROM added
              UNION ALL SELECT deployment_id, status, -1 FROM gone) AS moved
        GROUP BY 1, 2 HAVING sum(one) <> 0 ORDER BY 1, 2
        ON CONFLICT (deployment_id, status, shard) DO UPDATE SET count = t.count + excluded.count;
    RETURN NULL;
END $$;
CREATE TRIGGER submissions_added AFTER INSERT ON submissions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_added();
CREATE TRIGGER submissions_moved AFTER UPDATE ON submissions
    REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_moved();

-- What came to a form on each day, and what became of it: only ever added to.
CREATE TABLE form_ledger (
    deployment_id text NOT NULL,
    day date NOT NULL,
    -- empty: the site's form without a name
    form text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'held', 'dropped')),
    -- why it was held or dropped
    reason text NOT NULL,
    shard smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (deployment_id, day, form, outcome, reason, shard)
) WITH (fillfactor = 50);
INSERT INTO form_ledger (deployment_id, day, form, outcome, reason, shard, count)
    SELECT deployment_id, (created_at AT TIME ZONE 'UTC')::date, coalesce(form, ''),
           CASE status WHEN 'accepted' THEN 'accepted' ELSE 'held' END,
           CASE status WHEN 'accepted' THEN '' ELSE 'honeypot' END, 0, count(*)
    FROM submissions GROUP BY 1, 2, 3, 4, 5;

-- Fields that were ever answered: the columns of a site's lists.
CREATE TABLE form_fields (
    deployment_id text NOT NULL,
    form text NOT NULL,
    name text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (deployment_id, form, name)
);
INSERT INTO form_fields (deployment_id, form, name)
    SELECT DISTINCT deployment_id, coalesce(form, ''), name FROM submissions, json_object_keys(data) AS name;

-- What the forms of a version's pages ask for, and their page's title and language.
ALTER TABLE versions ADD COLUMN forms jsonb NOT NULL DEFAULT '{}';

-- Files that visitors sent; without a submission: to be deleted.
CREATE TABLE uploads (
    id text PRIMARY KEY,
    deployment_id text NOT NULL,
    submission_id text,
    -- what the store calls its bytes
    blob text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_of_submission ON uploads (submission_id) WHERE submission_id IS NOT NULL;
CREATE INDEX uploads_loose ON uploads (created_at) WHERE submission_id IS NULL;

-- Who is mailed what visitors send, beside the account's own address (whose row says only that it wants none).
CREATE TABLE recipients (
    id text PRIMARY KEY,
    deployment_id text NOT NULL,
    -- empty for the account's own, which may change
    email text NOT NULL,
    owner boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- null until whoever reads its mail has said yes
    confirmed_at timestamptz,
    unsubscribed_at timestamptz
);
CREATE UNIQUE INDEX recipients_of_deployment ON recipients (deployment_id, lower(email));
-- Mails that asked an address whether it wants them, of the last day: counted, so that nobody is flooded with them.
CREATE TABLE confirmations (
    deployment_id text NOT NULL,
    account_id text NOT NULL,
    -- in lower case
    email text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX confirmations_of_account ON confirmations (account_id, at);
CREATE INDEX confirmations_of_address ON confirmations (email, at);

-- Addresses that the mailer sends nothing to, as it last told us.
CREATE TABLE suppressions (
    -- in lower case
    email text PRIMARY KEY,
    -- bounce or complaint
    reason text NOT NULL,
    detail text NOT NULL,
    at timestamptz NOT NULL,
    -- the row stays: the message that tells of the suppression may come once more, or late
    lifted_at timestamptz
);

-- Submissions that somebody is to be told of, or was told of in a mailing.
CREATE TABLE notices (
    submission_id text PRIMARY KEY,
    deployment_id text NOT NULL,
    -- told to the account's own address alone, at once
    test boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- null until it is told
    mailing_id text
);
CREATE INDEX notices_due ON notices (deployment_id, created_at) WHERE mailing_id IS NULL AND NOT test;
CREATE INDEX notices_test ON notices (created_at) WHERE mailing_id IS NULL AND test;
CREATE INDEX notices_of_mailing ON notices (mailing_id);
CREATE INDEX notices_old ON notices (created_at) WHERE mailing_id IS NOT NULL;
-- How a site's notices are grouped; a site that has been quiet has none.
CREATE TABLE notice_windows (
    deployment_id text PRIMARY KEY,
    -- what waits then is told together
    ends_at timestamptz NOT NULL,
    -- how many were told one by one
    mailed int NOT NULL,
    -- none is told one by one
    busy boolean NOT NULL
);
-- Each mail about submissions: one for each recipient of a mailing.
CREATE TABLE mails (
    -- the message's id
    id text PRIMARY KEY,
    mailing_id text NOT NULL,
    deployment_id text NOT NULL,
    email text NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    -- when the mailer said what became of it: sent, refused, suppressed, expired
    settled_at timestamptz,
    result text,
    reason text
);
CREATE INDEX mails_of_mailing ON mails (mailing_id);
CREATE INDEX mails_old ON mails (queued_at);

CREATE TABLE webhooks (
    id text PRIMARY KEY,
    deployment_id text NOT NULL,
    url text NOT NULL,
    type text NOT NULL CHECK (type IN ('generic', 'slack', 'discord')),
    events text[] NOT NULL,
    -- whsec_…, in the clear: every delivery is signed with it
    secret text NOT NULL,
    -- signs too, until then
    previous_secret text,
    previous_until timestamptz,
    active boolean NOT NULL DEFAULT true,
    disabled_at timestamptz,
    disabled_why text,
    -- since when every attempt has failed
    failing_since timestamptz,
    -- too much waits for it: what comes now is not queued
    backlogged boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_of_deployment ON webhooks (deployment_id);

-- One submission on its way to one webhook; the id is the `webhook-id` of every attempt.
CREATE TABLE deliveries (
    id text PRIMARY KEY,
    webhook_id text NOT NULL,
    deployment_id text NOT NULL,
    submission_id text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts int NOT NULL DEFAULT 0,
    -- the next attempt; while one runs: when it is given up
    next_at timestamptz NOT NULL DEFAULT now(),
    -- why it ended, where no attempt says so
    note text,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_waiting ON deliveries (webhook_id, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, created_at DESC, id DESC) WHERE state <> 'delivered';
CREATE INDEX deliveries_of_submission ON deliveries (submission_id);
CREATE INDEX deliveries_old ON deliveries (created_at);

-- Every attempt, and the first 4 KiB of its answer.
CREATE TABLE delivery_attempts (
    id text PRIMARY KEY,
    delivery_id text NOT NULL,
    webhook_id text NOT NULL,
    submission_id text NOT NULL,
    attempt int NOT NULL,
    at timestamptz NOT NULL,
    -- null: no answer, and `error` says why
    status int,
    latency_ms real NOT NULL,
    error text,
    answer text NOT NULL DEFAULT '',
    -- null: there is none
    next_at timestamptz,
    request_id text NOT NULL
);
CREATE INDEX attempts_of_webhook ON delivery_attempts (webhook_id, at DESC, id DESC);
CREATE INDEX attempts_of_delivery ON delivery_attempts (delivery_id, attempt);

-- What goes with a submission, whatever deletes it.
CREATE FUNCTION count_gone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO submission_totals AS t (deployment_id, status, shard, count)
        SELECT deployment_id, status, pg_backend_pid() % 16, -count(*) FROM gone GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (deployment_id, status, shard) DO UPDATE SET count = t.count + excluded.count;
    UPDATE uploads SET submission_id = NULL, created_at = now()
        WHERE submission_id IN (SELECT id FROM gone WHERE files IS NOT NULL);
    DELETE FROM notices WHERE submission_id IN (SELECT id FROM gone);
    WITH deleted AS (DELETE FROM deliveries WHERE submission_id IN (SELECT id FROM gone) RETURNING id)
        DELETE FROM delivery_attempts WHERE delivery_id IN (SELECT id FROM deleted);
    RETURN NULL;
END $$;
CREATE TRIGGER submissions_gone AFTER DELETE ON submissions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_gone();
