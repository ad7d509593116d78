-- What servers that share this database have to know of each other. Times are Unix times in milliseconds.

-- Sessions that were ended before their cookies are over.
CREATE TABLE inkfast.ended_session (
    id         text PRIMARY KEY,
    over_at_ms bigint NOT NULL
);

-- Accounts that were removed: what is kept elsewhere under their names goes, too.
CREATE TABLE inkfast.removed_account (
    name  text PRIMARY KEY,
    at_ms bigint NOT NULL
);

-- The servers that run, or did lately.
CREATE TABLE inkfast.instance (
    id         text PRIMARY KEY,
    -- Tells one secret from another, and nothing of what it is.
    secret     text NOT NULL,
    public_url text NOT NULL,
    -- The same where drafts and news are shared by a Redis; else empty.
    shared     text NOT NULL,
    seen_at_ms bigint NOT NULL
);
