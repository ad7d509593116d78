//! The questions to SQLite's schema. `?1` is a table's name.

/// name, type (`table`, `view`, `virtual`), without rowid, text of CREATE
pub const RELATIONS: &str = "
    SELECT l.name, l.type, CAST(l.wr AS TEXT), s.sql
    FROM pragma_table_list l JOIN sqlite_schema s ON s.name = l.name AND s.type IN ('table', 'view')
    WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual')
      AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND l.name NOT LIKE 'inkfast\\_%' ESCAPE '\\'
    ORDER BY l.name COLLATE NOCASE";

/// name, declared type, not null, default expression, place in the key (0: not in it), hidden
/// (1: of a virtual table, 2 and 3: generated)
pub const COLUMNS: &str = "
    SELECT name, type, CAST(\"notnull\" AS TEXT), dflt_value, CAST(pk AS TEXT), CAST(hidden AS TEXT)
    FROM pragma_table_xinfo(?1) ORDER BY cid";

/// index, column (NULL for an expression); unique ones besides the primary key
pub const UNIQUE_INDEXES: &str = "
    SELECT l.name, i.name
    FROM pragma_index_list(?1) l, pragma_index_info(l.name) i
    WHERE l.\"unique\" = 1 AND l.origin <> 'pk'
    ORDER BY l.seq DESC, i.seqno";

/// column, table and column (NULL for its key) referred to; of single columns
pub const REFERENCES: &str = "
    SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1)
    GROUP BY id HAVING count(*) = 1 ORDER BY id DESC";
