-- The latest errors, of all servers that share this database. Words of the code alone: no values, nothing anybody typed.

CREATE TABLE inkfast.error_history (
    -- Of one server, from one start to the next.
    instance    text NOT NULL,
    number      bigint NOT NULL,
    kind        text NOT NULL,
    severity    text NOT NULL,
    -- The call or route that failed.
    what        text NOT NULL,
    -- Of the last one: finds it in the log.
    request_id  text NOT NULL DEFAULT '',
    -- How often it came in a row.
    times       bigint NOT NULL,
    -- Unix time in milliseconds.
    first_at_ms bigint NOT NULL,
    last_at_ms  bigint NOT NULL,
    PRIMARY KEY (instance, number)
);
CREATE INDEX error_history_last ON inkfast.error_history (last_at_ms);
