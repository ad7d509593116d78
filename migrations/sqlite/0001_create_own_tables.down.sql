DROP TABLE inkfast_audit;
DROP TABLE inkfast_submission;
DROP TABLE inkfast_account;
