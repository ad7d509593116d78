DROP TABLE inkfast.error_history;
