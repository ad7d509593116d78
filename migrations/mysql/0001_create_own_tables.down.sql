DROP TABLE IF EXISTS inkfast_audit;
DROP TABLE IF EXISTS inkfast_submission;
DROP TABLE IF EXISTS inkfast_account;
