//! What a PostgreSQL says of itself, by a way that shares nothing with the server.

use resilient_core::path_text::write_key;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

pub type Text = Option<String>;

pub struct Witness {
    connection: PgConnection,
}

#[derive(Clone, Debug)]
pub struct Relation {
    /// As in addresses.
    pub written: String,
    /// As in SQL; with `ONLY` where others inherit from it.
    pub quoted: String,
    /// `pg_class.relkind`
    pub kind: String,
    pub columns: Vec<Attribute>,
    pub key: Vec<String>,
    pub has_rules: bool,
}

#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: String,
    /// Without a length; of a domain what it is over.
    pub type_name: String,
    /// With it, for a cast.
    pub full_type: String,
    pub not_null: bool,
    pub has_default: bool,
    /// Never written by anybody.
    pub is_generated: bool,
    pub is_unique: bool,
}

/// The rows of a relation as texts, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(pub Vec<Vec<Text>>);

/// Looks at a database past the server.
#[allow(async_fn_in_trait, reason = "nobody but the walk uses it")]
pub trait Look {
    /// Every relation with rows of its own.
    async fn relations(&mut self) -> Vec<Relation>;
    async fn snapshot(&mut self, relation: &Relation) -> Snapshot;
    /// The text a value of this column is stored as.
    async fn stored(&mut self, column: &Attribute, typed: &str) -> Text;
    async fn audit_rows(&mut self) -> String;
    /// The changes of the last audit line.
    async fn last_audit(&mut self) -> String;
}

impl Attribute {
    /// Name, type, full type; may not be NULL, has a default, is generated, is unique (as `true`).
    pub fn read(row: Vec<Text>) -> Self {
        let row = <[Text; 7]>::try_from(row).unwrap().map(Option::unwrap);
        let [name, type_name, full_type, ref truths @ ..] = row;
        let [not_null, has_default, is_generated, is_unique] = truths.each_ref().map(|truth| truth == "true");
        Self {
            name,
            type_name,
            full_type,
            not_null,
            has_default,
            is_generated,
            is_unique,
        }
    }
}

impl Relation {
    /// Whether its records can be changed at all.
    pub fn is_editable(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p") && !self.key.is_empty() && !self.has_rules
    }

    pub fn is_key(&self, column: &str) -> bool {
        self.key.iter().any(|key| key == column)
    }

    pub fn place(&self, column: &str) -> usize {
        self.columns.iter().position(|known| known.name == column).unwrap()
    }

    /// The address of a row.
    pub fn address(&self, row: &[Text]) -> String {
        let part = |name: &String| {
            let place = self.place(name);
            as_drawn(&self.columns[place].type_name, row[place].as_deref().unwrap())
        };
        let parts: Vec<String> = self.key.iter().map(part).collect();
        format!("/records/{}/{}", self.written, write_key(&parts))
    }
}

/// PostgreSQL's own output as forms and addresses write it.
pub fn as_drawn(type_name: &str, text: &str) -> String {
    match (type_name, text) {
        ("boolean", "t") => "true".to_owned(),
        ("boolean", "f") => "false".to_owned(),
        ("bytea", _) => text.trim_start_matches("\\x").to_owned(),
        ("character", _) => text.trim_end_matches(' ').to_owned(),
        _ => text.to_owned(),
    }
}

/// What is typed, as PostgreSQL reads it.
pub fn as_cast(type_name: &str, text: &str) -> String {
    match type_name {
        "bytea" => format!("\\x{text}"),
        _ => text.to_owned(),
    }
}

impl Witness {
    pub async fn connect(url: &str) -> Self {
        let connection = PgConnection::connect(url).await.unwrap();
        let mut witness = Self { connection };
        witness.run("SET TimeZone = 'UTC'; SET extra_float_digits = 3").await;
        witness
    }

    pub async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut self.connection)
            .await
            .unwrap();
    }

    pub async fn rows(&mut self, sql: &str) -> Vec<Vec<Text>> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
        let rows = query.fetch_all(&mut self.connection).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {sql}"));
        rows.iter()
            .map(|row| (0..row.len()).map(|n| row.get(n)).collect())
            .collect()
    }

    pub async fn text(&mut self, sql: &str) -> String {
        self.rows(sql).await.remove(0).remove(0).unwrap_or_default()
    }

    async fn attributes(&mut self, oid: &str) -> Vec<Attribute> {
        let sql = format!(
            "SELECT attname::text,
                    (WITH RECURSIVE below AS (
                         SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = atttypid UNION ALL
                         SELECT t.oid, t.typbasetype FROM below JOIN pg_type t ON t.oid = below.typbasetype)
                     SELECT format_type(oid, NULL) FROM below WHERE typbasetype = 0),
                    format_type(atttypid, atttypmod), attnotnull::text,
                    (atthasdef OR attidentity <> '')::text, (attgenerated <> '' OR attidentity = 'a')::text,
                    EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisunique AND attnum = ANY (indkey))::text
             FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        );
        self.rows(&sql).await.into_iter().map(Attribute::read).collect()
    }

    async fn key(&mut self, oid: &str) -> Vec<String> {
        let sql = format!(
            "SELECT a.attname::text FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place), pg_attribute a
             WHERE i.indrelid = {oid} AND i.indisprimary AND a.attrelid = {oid} AND a.attnum = k.attnum ORDER BY k.place"
        );
        self.rows(&sql)
            .await
            .into_iter()
            .map(|mut row| row.remove(0).unwrap())
            .collect()
    }
}

impl Look for Witness {
    async fn relations(&mut self) -> Vec<Relation> {
        let found = self
            .rows(
                "SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text,
                        EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND is_instead AND ev_type <> '1')::text,
                        EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)::text
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
                   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'inkfast', 'pg_toast')
                 ORDER BY n.nspname <> 'public', n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
            )
            .await;
        let mut relations = Vec::new();
        for row in found {
            let [oid, schema, name, kind, has_rules, has_heirs] =
                <[Text; 6]>::try_from(row).unwrap().map(Option::unwrap);
            let own = if kind == "r" && has_heirs == "true" {
                "ONLY "
            } else {
                ""
            };
            let written = match schema.as_str() {
                "public" => write_key(std::slice::from_ref(&name)),
                _ => format!(
                    "{}.{}",
                    write_key(std::slice::from_ref(&schema)),
                    write_key(std::slice::from_ref(&name))
                ),
            };
            relations.push(Relation {
                written,
                quoted: format!("{own}{}.{}", quote(&schema), quote(&name)),
                columns: self.attributes(&oid).await,
                key: self.key(&oid).await,
                has_rules: has_rules == "true",
                kind,
            });
        }
        relations
    }

    async fn snapshot(&mut self, relation: &Relation) -> Snapshot {
        let text = |column: &Attribute| {
            let name = quote(&column.name);
            format!("CASE WHEN {name} IS DISTINCT FROM NULL THEN format('%s', {name}) END")
        };
        let list: Vec<String> = relation.columns.iter().map(text).collect();
        let mut rows = self
            .rows(&format!("SELECT {} FROM {}", list.join(", "), relation.quoted))
            .await;
        rows.sort();
        Snapshot(rows)
    }

    async fn stored(&mut self, column: &Attribute, typed: &str) -> Text {
        let typed = as_cast(&column.type_name, typed).replace('\'', "''");
        let typed = typed.replace('\\', "\\\\");
        let sql = format!("SELECT format('%s', CAST(E'{typed}'::text AS {}))", column.full_type);
        self.rows(&sql).await.remove(0).remove(0)
    }

    async fn audit_rows(&mut self) -> String {
        self.text("SELECT count(*)::text FROM inkfast.audit").await
    }

    async fn last_audit(&mut self) -> String {
        self.text("SELECT changes::text FROM inkfast.audit ORDER BY id DESC LIMIT 1")
            .await
    }
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
