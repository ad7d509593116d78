-- Tells the accounts of this database from those of another: servers believe each other only where it is the same.

CREATE TABLE inkfast_account_store (
    id TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO inkfast_account_store (id) VALUES (lower(hex(randomblob(16))));
