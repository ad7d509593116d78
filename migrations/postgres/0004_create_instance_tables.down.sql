DROP TABLE inkfast.instance;
DROP TABLE inkfast.removed_account;
DROP TABLE inkfast.ended_session;
