-- Whose turn a scheduled backup is. Times are Unix times in milliseconds, by this database's clock.
CREATE TABLE inkfast_backup_turn (
    name     TEXT PRIMARY KEY NOT NULL,
    holder   TEXT NOT NULL,
    -- Without a word from the holder, the turn is free then.
    until_ms INTEGER NOT NULL DEFAULT 0,
    done_ms  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- From when to when nothing has happened: a restore has undone it. Versions of forms from that time are worth nothing.
CREATE TABLE inkfast_undone_time (
    to_ms   INTEGER PRIMARY KEY NOT NULL,
    from_ms INTEGER NOT NULL
) STRICT;
