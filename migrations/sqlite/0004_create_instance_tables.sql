-- What servers that share this database have to know of each other. Times are Unix times in milliseconds.

-- Sessions that were ended before their cookies are over.
CREATE TABLE inkfast_ended_session (
    id         TEXT PRIMARY KEY NOT NULL,
    over_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts that were removed: what is kept elsewhere under their names goes, too.
CREATE TABLE inkfast_removed_account (
    name  TEXT PRIMARY KEY NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The servers that run, or did lately.
CREATE TABLE inkfast_instance (
    id         TEXT PRIMARY KEY NOT NULL,
    -- Tells one secret from another, and nothing of what it is.
    secret     TEXT NOT NULL,
    public_url TEXT NOT NULL,
    -- The same where drafts and news are shared by a Redis; else empty.
    shared     TEXT NOT NULL,
    seen_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
