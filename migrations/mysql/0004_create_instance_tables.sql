-- What servers that share this database have to know of each other. Times are Unix times in milliseconds.

-- Sessions that were ended before their cookies are over.
CREATE TABLE IF NOT EXISTS inkfast_ended_session (
    id         varchar(64) NOT NULL PRIMARY KEY,
    over_at_ms bigint NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Accounts that were removed: what is kept elsewhere under their names goes, too.
CREATE TABLE IF NOT EXISTS inkfast_removed_account (
    name  varchar(64) NOT NULL PRIMARY KEY,
    at_ms bigint NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The servers that run, or did lately.
CREATE TABLE IF NOT EXISTS inkfast_instance (
    id         varchar(64) NOT NULL PRIMARY KEY,
    -- Tells one secret from another, and nothing of what it is.
    secret     varchar(64) NOT NULL,
    public_url varchar(255) NOT NULL,
    -- The same where drafts and news are shared by a Redis; else empty.
    shared     varchar(64) NOT NULL,
    seen_at_ms bigint NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
