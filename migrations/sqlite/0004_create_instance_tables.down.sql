DROP TABLE inkfast_instance;
DROP TABLE inkfast_removed_account;
DROP TABLE inkfast_ended_session;
