-- The latest errors, of all servers that share this database. Words of the code alone: no values, nothing anybody typed.

CREATE TABLE inkfast_error_history (
    -- Of one server, from one start to the next.
    instance    TEXT NOT NULL,
    number      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    severity    TEXT NOT NULL,
    -- The call or route that failed.
    what        TEXT NOT NULL,
    -- Of the last one: finds it in the log.
    request_id  TEXT NOT NULL DEFAULT '',
    -- How often it came in a row.
    times       INTEGER NOT NULL,
    -- Unix time in milliseconds.
    first_at_ms INTEGER NOT NULL,
    last_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (instance, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX inkfast_error_history_last ON inkfast_error_history (last_at_ms);
