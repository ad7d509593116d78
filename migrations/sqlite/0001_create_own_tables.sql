-- Inkfast's own tables.

CREATE TABLE inkfast_account (
    name          TEXT PRIMARY KEY NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    -- Raised to end every session of the account.
    epoch         INTEGER NOT NULL DEFAULT 1,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT, WITHOUT ROWID;

-- One row per save that was done. It is written in the save's own transaction: the row is there
-- exactly when the change is.
CREATE TABLE inkfast_submission (
    account     TEXT NOT NULL,
    id          TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer      TEXT NOT NULL DEFAULT '',
    -- The form it came from: {table}/{key} or {table}/new-{uuid}.
    form_key    TEXT NOT NULL DEFAULT '',
    -- Unix time in milliseconds.
    created_at  INTEGER NOT NULL DEFAULT (CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)),
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inkfast_submission_created_at ON inkfast_submission (created_at);
CREATE INDEX inkfast_submission_form_key ON inkfast_submission (account, form_key);

CREATE TABLE inkfast_audit (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    account    TEXT NOT NULL,
    action     TEXT NOT NULL,
    table_name TEXT NOT NULL,
    record_key TEXT NOT NULL,
    submission TEXT NOT NULL,
    -- {"column": ["from", "to"], …}; a secret stands without its values.
    changes    TEXT NOT NULL
) STRICT;
CREATE INDEX inkfast_audit_record ON inkfast_audit (table_name, record_key, id);
