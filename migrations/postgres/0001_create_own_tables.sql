-- Inkfast's own tables. The schema is made by the migrator before this runs.

CREATE TABLE inkfast.account (
    name          text PRIMARY KEY,
    password_hash text NOT NULL,
    role          text NOT NULL,
    -- Raised to end every session of the account.
    epoch         bigint NOT NULL DEFAULT 1,
    disabled      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- One row per save that was done. It is written in the save's own transaction: the row is there
-- exactly when the change is.
CREATE TABLE inkfast.submission (
    account     text NOT NULL,
    id          text NOT NULL,
    fingerprint text NOT NULL,
    answer      text NOT NULL DEFAULT '',
    -- The form it came from: {table}/{key} or {table}/new-{uuid}.
    form_key    text NOT NULL DEFAULT '',
    -- Unix time in milliseconds.
    created_at  bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000),
    PRIMARY KEY (account, id)
);
CREATE INDEX submission_created_at ON inkfast.submission (created_at);
CREATE INDEX submission_form_key ON inkfast.submission (account, form_key);

CREATE TABLE inkfast.audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    account    text NOT NULL,
    action     text NOT NULL,
    table_name text NOT NULL,
    record_key text NOT NULL,
    submission text NOT NULL,
    -- {"column": ["from", "to"], …}; a secret stands without its values.
    changes    text NOT NULL
);
CREATE INDEX audit_record ON inkfast.audit (table_name, record_key, id);
