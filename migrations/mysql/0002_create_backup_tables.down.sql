DROP TABLE IF EXISTS inkfast_undone_time;
DROP TABLE IF EXISTS inkfast_backup_turn;
