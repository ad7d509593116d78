DROP TABLE inkfast.account_store;
