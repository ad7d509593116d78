-- The schema stays: who made it may have been somebody else.

DROP TABLE inkfast.audit;
DROP TABLE inkfast.submission;
DROP TABLE inkfast.account;
