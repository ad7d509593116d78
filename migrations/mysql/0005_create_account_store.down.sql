DROP TABLE IF EXISTS inkfast_account_store;
