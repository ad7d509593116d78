DROP TABLE inkfast_account_store;
