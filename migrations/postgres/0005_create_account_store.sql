-- Tells the accounts of this database from those of another: servers believe each other only where it is the same.

CREATE TABLE inkfast.account_store (
    id text PRIMARY KEY
);

INSERT INTO inkfast.account_store (id) VALUES (md5(random()::text || clock_timestamp()::text || random()::text));
