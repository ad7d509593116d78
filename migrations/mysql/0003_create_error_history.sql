-- The latest errors, of all servers that share this database. Words of the code alone: no values, nothing anybody typed.

CREATE TABLE IF NOT EXISTS inkfast_error_history (
    -- Of one server, from one start to the next.
    instance    varchar(64) NOT NULL,
    number      bigint NOT NULL,
    kind        varchar(64) NOT NULL,
    severity    varchar(64) NOT NULL,
    -- The call or route that failed.
    what        varchar(255) NOT NULL,
    -- Of the last one: finds it in the log.
    request_id  varchar(64) NOT NULL DEFAULT '',
    -- How often it came in a row.
    times       bigint NOT NULL,
    -- Unix time in milliseconds.
    first_at_ms bigint NOT NULL,
    last_at_ms  bigint NOT NULL,
    PRIMARY KEY (instance, number),
    INDEX error_history_last (last_at_ms)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
