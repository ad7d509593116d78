DROP TABLE inkfast_error_history;
