DROP TABLE inkfast.undone_time;
DROP TABLE inkfast.backup_turn;
