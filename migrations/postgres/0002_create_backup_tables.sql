-- Whose turn a scheduled backup is. Times are Unix times in milliseconds, by this database's clock.
CREATE TABLE inkfast.backup_turn (
    name     text PRIMARY KEY,
    holder   text NOT NULL,
    -- Without a word from the holder, the turn is free then.
    until_ms bigint NOT NULL DEFAULT 0,
    done_ms  bigint NOT NULL DEFAULT 0
);

-- From when to when nothing has happened: a restore has undone it. Versions of forms from that time are worth nothing.
CREATE TABLE inkfast.undone_time (
    to_ms   bigint PRIMARY KEY,
    from_ms bigint NOT NULL
);
