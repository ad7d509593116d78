//! The questions to `information_schema`, about the database that the connection uses.

/// What is listed: tables and views, not sequences, not Inkfast's own. Each question has it for its `T`.
const LISTED: &str = "T.TABLE_SCHEMA = DATABASE() AND T.TABLE_NAME NOT LIKE 'inkfast\\\\_%'";

/// name, is a view, comment, does transactions, may be deleted from
///
/// Where rights come from roles, these tables do not show them: then the database itself says no, if so.
pub fn relations() -> String {
    let me = "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";
    let deletes = format!("GRANTEE = {me} AND PRIVILEGE_TYPE = 'DELETE'");
    format!(
        "SELECT T.TABLE_NAME, IF(T.TABLE_TYPE LIKE '%VIEW', 'true', 'false'),
                IF(T.TABLE_TYPE LIKE '%VIEW', NULL, NULLIF(T.TABLE_COMMENT, '')),
                IF(E.TRANSACTIONS = 'YES', 'true', 'false'),
                IF(CURRENT_ROLE() <> 'NONE'
                   OR EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE {deletes})
                   OR EXISTS (SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES
                              WHERE {deletes} AND DATABASE() LIKE TABLE_SCHEMA)
                   OR EXISTS (SELECT 1 FROM information_schema.TABLE_PRIVILEGES P
                              WHERE {deletes} AND P.TABLE_SCHEMA = T.TABLE_SCHEMA AND P.TABLE_NAME = T.TABLE_NAME),
                   'true', 'false')
         FROM information_schema.TABLES T LEFT JOIN information_schema.ENGINES E ON E.ENGINE = T.ENGINE
         WHERE {LISTED} AND T.TABLE_TYPE <> 'SEQUENCE'
         ORDER BY T.TABLE_NAME"
    )
}

/// table, column, comment, type, length in characters, may be NULL, default, extra, is computed, rights
pub fn columns() -> String {
    format!(
        "SELECT T.TABLE_NAME, T.COLUMN_NAME, NULLIF(T.COLUMN_COMMENT, ''), T.COLUMN_TYPE,
                CAST(COALESCE(IF(T.DATA_TYPE IN ('char', 'varchar'), T.CHARACTER_MAXIMUM_LENGTH, NULL),
                              IF(T.DATA_TYPE = 'bit', T.NUMERIC_PRECISION, NULL)) AS CHAR),
                IF(T.IS_NULLABLE = 'YES', 'true', 'false'), T.COLUMN_DEFAULT, T.EXTRA,
                IF(COALESCE(T.GENERATION_EXPRESSION, '') <> '', 'true', 'false'), T.PRIVILEGES
         FROM information_schema.COLUMNS T WHERE {LISTED}
         ORDER BY T.TABLE_NAME, T.ORDINAL_POSITION"
    )
}

/// table, index, column, in key order. The column of an expression is NULL.
pub fn unique_indexes() -> String {
    format!(
        "SELECT T.TABLE_NAME, T.INDEX_NAME, T.COLUMN_NAME FROM information_schema.STATISTICS T
         WHERE {LISTED} AND T.NON_UNIQUE = 0
         ORDER BY T.TABLE_NAME, T.INDEX_NAME, T.SEQ_IN_INDEX"
    )
}

/// table, name, expression, as MariaDB has them
pub fn checks_of_mariadb() -> String {
    let listed = LISTED.replace("T.TABLE_SCHEMA", "T.CONSTRAINT_SCHEMA");
    format!(
        "SELECT T.TABLE_NAME, T.CONSTRAINT_NAME, T.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS T
         WHERE {listed} ORDER BY T.TABLE_NAME, T.CONSTRAINT_NAME"
    )
}

/// The same of MySQL, which writes its own escapes into them.
pub fn checks_of_mysql() -> String {
    format!(
        "SELECT T.TABLE_NAME, T.CONSTRAINT_NAME, REPLACE(REPLACE(C.CHECK_CLAUSE, '\\\\''', ''''), '_utf8mb4''', '''')
         FROM information_schema.CHECK_CONSTRAINTS C
         JOIN information_schema.TABLE_CONSTRAINTS T USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)
         WHERE {LISTED} AND T.CONSTRAINT_TYPE = 'CHECK' ORDER BY T.TABLE_NAME, T.CONSTRAINT_NAME"
    )
}

/// table, name, column, table and column referred to, in key order
pub fn references() -> String {
    format!(
        "SELECT T.TABLE_NAME, T.CONSTRAINT_NAME, T.COLUMN_NAME, T.REFERENCED_TABLE_NAME, T.REFERENCED_COLUMN_NAME
         FROM information_schema.KEY_COLUMN_USAGE T
         WHERE {LISTED} AND T.REFERENCED_TABLE_SCHEMA = T.TABLE_SCHEMA
         ORDER BY T.TABLE_NAME, T.CONSTRAINT_NAME, T.ORDINAL_POSITION"
    )
}

/// name, rows
pub const ESTIMATES: &str = "SELECT TABLE_NAME, CAST(TABLE_ROWS AS CHAR) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_ROWS IS NOT NULL";
