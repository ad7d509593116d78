-- Inkfast's own tables. Whatever is here already stays: making a table cannot be undone, so a step that was begun is
-- run again.

CREATE TABLE IF NOT EXISTS inkfast_account (
    name          varchar(64) NOT NULL PRIMARY KEY,
    password_hash text NOT NULL,
    role          varchar(64) NOT NULL,
    -- Raised to end every session of the account.
    epoch         bigint NOT NULL DEFAULT 1,
    disabled      boolean NOT NULL DEFAULT false,
    created_at    datetime(3) NOT NULL DEFAULT (utc_timestamp(3))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per save that was done. It is written in the save's own transaction: the row is there
-- exactly when the change is.
CREATE TABLE IF NOT EXISTS inkfast_submission (
    account     varchar(64) NOT NULL,
    id          varchar(64) NOT NULL,
    fingerprint varchar(64) NOT NULL,
    answer      longtext NOT NULL DEFAULT (''),
    -- The form it came from: {table}/{key} or {table}/new-{uuid}.
    form_key    text NOT NULL DEFAULT (''),
    -- Unix time in milliseconds.
    created_at  bigint NOT NULL DEFAULT (CAST(unix_timestamp(now(3)) * 1000 AS signed)),
    PRIMARY KEY (account, id),
    INDEX submission_created_at (created_at),
    INDEX submission_form_key (account, form_key(128))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS inkfast_audit (
    id         bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at         datetime(3) NOT NULL DEFAULT (utc_timestamp(3)),
    account    varchar(64) NOT NULL,
    action     varchar(64) NOT NULL,
    table_name text NOT NULL,
    record_key text NOT NULL,
    submission varchar(64) NOT NULL,
    -- {"column": ["from", "to"], …}; a secret stands without its values.
    changes    longtext NOT NULL,
    INDEX audit_record (table_name(128), record_key(128), id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
