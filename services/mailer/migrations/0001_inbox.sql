-- What became of each message (shared/inbox.sql): a mail is sent once, however often the bus delivers it.
CREATE TABLE inbox (
    message_id text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('claimed', 'done')),
    lease_until timestamptz,
    done_at timestamptz,
    -- why the mail was refused for good; NULL when it was taken
    refused text
);

CREATE INDEX inbox_done ON inbox (done_at);
