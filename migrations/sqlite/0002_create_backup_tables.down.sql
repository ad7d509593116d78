DROP TABLE inkfast_undone_time;
DROP TABLE inkfast_backup_turn;
