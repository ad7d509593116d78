-- Tells the accounts of this database from those of another: servers believe each other only where it is the same.

CREATE TABLE IF NOT EXISTS inkfast_account_store (
    id varchar(64) NOT NULL PRIMARY KEY
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO inkfast_account_store (id)
    SELECT made.id FROM (SELECT UUID() AS id) AS made
    WHERE NOT EXISTS (SELECT 1 FROM inkfast_account_store);
