//! The questions to PostgreSQL's catalog. Every answer is text: lists are JSON, truth is `true`.

/// What is listed: tables, partitioned parents, views, materialised views and foreign tables that
/// this account may read; not partitions, not what belongs to an extension, not Inkfast's own.
const LISTED: &str = "
    SELECT c.oid, c.relname, c.relkind, n.nspname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND n.nspname NOT IN ('information_schema', 'inkfast')
      AND n.nspname NOT LIKE 'pg\\_%'
      AND has_schema_privilege(n.oid, 'USAGE')
      AND has_any_column_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// oid, schema (NULL for the default one), name, is a view, comment, may be inserted to, updated,
/// deleted from, is inherited from
///
/// Where a rule does something instead of what was asked, nobody could tell what was saved.
pub fn relations() -> String {
    let rule = |event: &str| {
        format!(
            "NOT EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite w
                         WHERE w.ev_class = l.oid AND w.is_instead AND w.ev_type = '{event}')"
        )
    };
    let (update, insert, delete) = (rule("2"), rule("3"), rule("4"));
    format!(
        "SELECT l.oid::text, CASE WHEN l.nspname <> current_schema() THEN l.nspname::text END, l.relname::text,
                (l.relkind NOT IN ('r', 'p'))::text, obj_description(l.oid, 'pg_class'),
                (has_any_column_privilege(l.oid, 'INSERT') AND {insert})::text,
                (has_any_column_privilege(l.oid, 'UPDATE') AND {update})::text,
                (has_table_privilege(l.oid, 'DELETE') AND {delete})::text,
                (l.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = l.oid))::text
         FROM ({LISTED}) l
         ORDER BY l.nspname <> current_schema(), l.nspname, l.relname"
    )
}

/// oid, column, comment, type's own name, its class, its enum labels, the same three of
/// the type it is made of, type for a cast, length limit, not null, default expression, identity,
/// generated, may be read, inserted, updated.
///
/// A type is made of another one where it is an array (separated by commas, of elements that are no
/// domains) or a range.
///
/// A domain is followed down to the type below it, because a cast to the domain would go through
/// that type's explicit cast, which cuts texts. Text and bit types are named without their length
/// for the same reason; `numeric(10,2)` and the like round in both kinds of cast.
pub fn columns() -> String {
    let labels_of = |of: &str| {
        format!(
            "(SELECT json_agg(n.enumlabel ORDER BY n.enumsortorder)::text
              FROM pg_catalog.pg_enum n WHERE n.enumtypid = {of}.oid)"
        )
    };
    let (labels_of_type, labels_of_part) = (labels_of("t"), labels_of("e"));
    format!(
        "WITH RECURSIVE below AS (
             SELECT a.attrelid, a.attnum, a.atttypid AS typid, a.atttypmod AS typmod, a.attnotnull AS not_null,
                    NULL::text COLLATE \"C\" AS domain_default
             FROM pg_catalog.pg_attribute a JOIN ({LISTED}) l ON l.oid = a.attrelid
             WHERE a.attnum > 0 AND NOT a.attisdropped
             UNION ALL
             SELECT b.attrelid, b.attnum, t.typbasetype, t.typtypmod, b.not_null OR t.typnotnull,
                    COALESCE(b.domain_default, pg_get_expr(t.typdefaultbin, 0))
             FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.typid AND t.typtype = 'd')
         SELECT b.attrelid::text, a.attname::text, col_description(b.attrelid, b.attnum),
                t.typname::text, t.typtype::text, {labels_of_type},
                e.typname::text, e.typtype::text, {labels_of_part},
                CASE WHEN COALESCE(NULLIF(t.typelem, 0), t.oid)
                          IN ('bpchar'::regtype, 'varchar'::regtype, 'bit'::regtype, 'varbit'::regtype)
                     THEN format_type(t.oid, -1) ELSE format_type(t.oid, b.typmod) END,
                CASE WHEN b.typmod <= 0 THEN NULL
                     WHEN COALESCE(NULLIF(t.typelem, 0), t.oid) IN ('bpchar'::regtype, 'varchar'::regtype)
                     THEN (b.typmod - 4)::text
                     WHEN t.oid IN ('bit'::regtype, 'varbit'::regtype) THEN b.typmod::text END,
                b.not_null::text,
                COALESCE(pg_get_expr(d.adbin, d.adrelid), b.domain_default),
                NULLIF(a.attidentity::text, ''), NULLIF(a.attgenerated::text, ''),
                has_column_privilege(b.attrelid, b.attnum, 'SELECT')::text,
                has_column_privilege(b.attrelid, b.attnum, 'INSERT')::text,
                has_column_privilege(b.attrelid, b.attnum, 'UPDATE')::text
         FROM below b
         JOIN pg_catalog.pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum
         JOIN pg_catalog.pg_type t ON t.oid = b.typid AND t.typtype <> 'd'
         LEFT JOIN pg_catalog.pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid)
         LEFT JOIN pg_catalog.pg_type e ON e.oid = COALESCE(r.rngsubtype, NULLIF(t.typelem, 0)) AND e.typtype <> 'd'
                   AND (r.rngsubtype IS NOT NULL OR (e.typarray = t.oid AND e.typdelim = ','))
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = b.attrelid AND d.adnum = b.attnum
         WHERE has_column_privilege(b.attrelid, b.attnum, 'SELECT')
            OR has_column_privilege(b.attrelid, b.attnum, 'INSERT')
            OR has_column_privilege(b.attrelid, b.attnum, 'UPDATE')
         ORDER BY b.attrelid, b.attnum"
    )
}

/// Of unique constraints, unique indexes and exclusion constraints: oid, is the primary key, index name, columns in key order (with those of expressions and
/// conditions, so that a message about them finds a field)
pub fn unique_indexes() -> String {
    format!(
        "SELECT i.indrelid::text, i.indisprimary::text, c.relname::text,
                (SELECT json_agg(a.attname ORDER BY k.place)::text
                 FROM (SELECT u.attnum, u.place FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, place)
                       WHERE u.attnum > 0 AND u.place <= i.indnkeyatts
                       UNION ALL
                       SELECT DISTINCT d.refobjsubid, 1000 FROM pg_catalog.pg_depend d
                       WHERE i.indexprs IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::regclass
                         AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0
                         AND NOT d.refobjsubid = ANY (i.indkey::int2[])) k
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
         FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         JOIN ({LISTED}) l ON l.oid = i.indrelid
         WHERE (i.indisunique OR i.indisexclusion) AND i.indislive
         ORDER BY i.indrelid, c.relname"
    )
}

/// oid, name, expression, columns; the constraints of domains too, under each column of theirs
pub fn checks() -> String {
    format!(
        "WITH RECURSIVE below AS (
             SELECT a.attrelid, a.attnum, a.attname, a.atttypid AS typid
             FROM pg_catalog.pg_attribute a JOIN ({LISTED}) l ON l.oid = a.attrelid
             WHERE a.attnum > 0 AND NOT a.attisdropped
             UNION ALL
             SELECT b.attrelid, b.attnum, b.attname, t.typbasetype
             FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.typid AND t.typtype = 'd')
         SELECT k.conrelid::text, k.conname::text, pg_get_expr(k.conbin, k.conrelid),
                (SELECT json_agg(a.attname ORDER BY u.place)::text
                 FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum)
         FROM pg_catalog.pg_constraint k JOIN ({LISTED}) l ON l.oid = k.conrelid
         WHERE k.contype = 'c'
         UNION ALL
         SELECT b.attrelid::text, k.conname::text, pg_get_expr(k.conbin, 0), json_build_array(b.attname)::text
         FROM pg_catalog.pg_constraint k JOIN below b ON b.typid = k.contypid
         WHERE k.contype = 'c' AND k.contypid <> 0
         ORDER BY 1, 2"
    )
}

/// oid, name, columns of the foreign keys that have several
pub fn composite_references() -> String {
    format!(
        "SELECT k.conrelid::text, k.conname::text,
                (SELECT json_agg(a.attname ORDER BY u.place)::text
                 FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum)
         FROM pg_catalog.pg_constraint k
         JOIN ({LISTED}) l ON l.oid = k.conrelid
         WHERE k.contype = 'f' AND cardinality(k.conkey) > 1
         ORDER BY k.conrelid, k.conname"
    )
}

/// oid, column, schema (NULL for the default one), table and column referred to
pub fn references() -> String {
    format!(
        "SELECT k.conrelid::text, own.attname::text, CASE WHEN n.nspname <> current_schema() THEN n.nspname::text END,
                c.relname::text, far.attname::text
         FROM pg_catalog.pg_constraint k
         JOIN ({LISTED}) l ON l.oid = k.conrelid
         JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_catalog.pg_attribute own ON own.attrelid = k.conrelid AND own.attnum = k.conkey[1]
         JOIN pg_catalog.pg_attribute far ON far.attrelid = k.confrelid AND far.attnum = k.confkey[1]
         WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
         ORDER BY k.conrelid, k.oid"
    )
}

/// schema (NULL for the default one), name, rows. A partitioned parent has the sum of its
/// partitions once it was analysed itself.
pub const ESTIMATES: &str = "
    SELECT CASE WHEN n.nspname <> current_schema() THEN n.nspname::text END, c.relname::text,
           c.reltuples::bigint::text
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND c.reltuples >= 0 AND n.nspname NOT LIKE 'pg\\_%'";
