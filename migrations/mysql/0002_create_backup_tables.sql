-- Whose turn a scheduled backup is. Times are Unix times in milliseconds, by this database's clock.
CREATE TABLE IF NOT EXISTS inkfast_backup_turn (
    name     varchar(64) NOT NULL PRIMARY KEY,
    holder   varchar(64) NOT NULL,
    -- Without a word from the holder, the turn is free then.
    until_ms bigint NOT NULL DEFAULT 0,
    done_ms  bigint NOT NULL DEFAULT 0
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- From when to when nothing has happened: a restore has undone it. Versions of forms from that time are worth nothing.
CREATE TABLE IF NOT EXISTS inkfast_undone_time (
    to_ms   bigint NOT NULL PRIMARY KEY,
    from_ms bigint NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
