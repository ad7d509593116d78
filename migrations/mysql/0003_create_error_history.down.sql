DROP TABLE IF EXISTS inkfast_error_history;
