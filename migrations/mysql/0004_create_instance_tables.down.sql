DROP TABLE IF EXISTS inkfast_instance;
DROP TABLE IF EXISTS inkfast_removed_account;
DROP TABLE IF EXISTS inkfast_ended_session;
