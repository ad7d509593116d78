use proptest::prelude::*;

use super::*;

const ALL: [Syntax; 3] = [Syntax::Postgres, Syntax::MySql, Syntax::Sqlite];

#[test]
fn values_go_and_names_stay() {
    for (syntax, sql, shape) in [
        (
            Syntax::Postgres,
            "SELECT  a,b FROM \"site\" AS listed\n WHERE name = 'O''Hara' AND n=-5 -- said\n LIMIT 51",
            "SELECT a, b FROM \"site\" AS listed WHERE name = ? AND n = ? LIMIT ?",
        ),
        (
            Syntax::Postgres,
            "SELECT CAST($1::text AS integer), $$it's$$, $a$ $$ $a$, E'it\\'s', U&'\\0061', x.y::int8 /* a /* b */ c */",
            "SELECT CAST(?::text AS integer), ?, …, x.y::int8",
        ),
        (
            Syntax::Postgres,
            "SELECT 1 WHERE a IN (1, 2 , 3) OR b in (CAST($1 AS int)) OR c = ANY(ARRAY[1,2])",
            "SELECT ? WHERE a IN (?, …) OR b in (CAST(? AS int), …) OR c = ANY (ARRAY[?, …])",
        ),
        (
            Syntax::MySql,
            "SELECT `a` FROM t WHERE b = \"O\\\"Hara\" AND c = 'it\\'s' AND d = 5--3 # Ann\n AND e = _utf8'x' AND @v = 1",
            "SELECT `a` FROM t WHERE b = ? AND c = ? AND d = ? - ? AND e = _utf8 ? AND @v = ?",
        ),
        (
            Syntax::Sqlite,
            "INSERT INTO [my t] (a, b) VALUES (?1, :b), (@a, $b), (x'ff', 1e-3); ",
            "INSERT INTO [my t](a, b) VALUES (?, …), …",
        ),
        (Syntax::Postgres, "SELECT 'never closed, Ann", "SELECT ?"),
        (Syntax::MySql, "SELECT 1 /* never closed, Ann", "SELECT ?"),
        (Syntax::Sqlite, "SELECT \"never closed, Ann", "SELECT ?"),
        (Syntax::Postgres, "a->>'b' ||'c' <> t.*", "a ->> ? || ? <> t.*"),
    ] {
        assert_eq!(shape_of(sql, syntax), shape, "{sql}");
    }
}

#[test]
fn what_is_too_long_ends_with_a_mark() {
    let columns: Vec<_> = (0..1_600).map(|n| format!("column_{n}")).collect();
    let shape = shape_of(&format!("SELECT {} FROM t", columns.join(", ")), Syntax::Postgres);
    assert!(
        shape.len() <= LONGEST_SHAPE && shape.len() > LONGEST_SHAPE - 40,
        "{}",
        shape.len()
    );
    assert!(shape.ends_with('…'), "{shape}");
    // However many values there are, they are one.
    let list = vec!["12345"; 100_000].join(",");
    let shape = shape_of(&format!("DELETE FROM t WHERE id IN ({list})"), Syntax::Postgres);
    assert_eq!(shape, "DELETE FROM t WHERE id IN (?, …)");
    let deep = "(".repeat(200_000);
    assert!(shape_of(&deep, Syntax::MySql).len() <= LONGEST_SHAPE);
}

#[test]
fn who_only_asks_is_known_by_the_first_word() {
    assert!(only_asks("select ?") && only_asks("(SELECT ?)") && only_asks("WITH a AS (SELECT ?) SELECT ?"));
    assert!(!only_asks("UPDATE t SET a = ?") && !only_asks("") && !only_asks("…"));
}

/// In every literal that is made up here, and in nothing else.
const MARK: &str = "zq7mark";

/// A literal of this syntax with the mark in it.
fn literal(syntax: Syntax) -> impl Strategy<Value = String> {
    let inside = proptest::collection::vec(
        proptest::sample::select(vec![
            " ", "''", "--", "/*", "*/", "\"", "`", ";", ")", "(", ",", "$$", "#", "?", "é", "\n", "7",
        ]),
        0..6,
    );
    (inside, 0..4_usize).prop_map(move |(inside, kind)| {
        let text = format!("{MARK}{}{MARK}", inside.concat());
        match (syntax, kind) {
            (Syntax::MySql, 0) => format!("\"{}\"", text.replace('"', "\\\"")),
            (Syntax::MySql, 1) => format!("'{}'", text.replace("''", "\\'")),
            (Syntax::Postgres, 0) => format!("$q${text}$q$"),
            (Syntax::Postgres, 1) => format!("E'{}'", text.replace("''", "\\'")),
            (_, 2) => format!("7{MARK}"),
            _ => format!("'{text}'"),
        }
    })
}

fn statement() -> impl Strategy<Value = (Syntax, Vec<String>)> {
    proptest::sample::select(ALL.to_vec()).prop_flat_map(|syntax| {
        let other = [
            "SELECT", "a", "t.b", "IN", "(", ")", ",", "=", "<=", "-", "\"n\"", "$1", "?", "count", "VALUES", "AND",
            "::", "/* c */", "-- c\n", "1.5", "NULL", ";",
        ];
        let other = other
            .into_iter()
            .filter(|part| syntax != Syntax::MySql || *part != "\"n\"");
        let other = proptest::sample::select(other.map(str::to_owned).collect::<Vec<_>>());
        let part = prop_oneof![3 => other, 1 => literal(syntax)];
        (Just(syntax), proptest::collection::vec(part, 0..60))
    })
}

proptest! {
    #[test]
    fn no_value_is_in_a_shape((syntax, parts) in statement()) {
        let shape = shape_of(&parts.join(" "), syntax);
        prop_assert!(!shape.contains(MARK), "{shape}");
    }

    #[test]
    fn a_shape_has_itself_as_its_shape((syntax, parts) in statement()) {
        let shape = shape_of(&parts.join(" "), syntax);
        prop_assert_eq!(shape_of(&shape, syntax), shape);
    }

    #[test]
    fn spaces_and_comments_make_no_other_shape((syntax, parts) in statement()) {
        prop_assert_eq!(shape_of(&parts.join(" "), syntax), shape_of(&parts.join("\n/* another */\t "), syntax));
    }

    #[test]
    fn whatever_it_is_the_shape_is_bounded_and_one_line(sql in "(?s).{0,6000}", syntax in proptest::sample::select(ALL.to_vec())) {
        let shape = shape_of(&sql, syntax);
        prop_assert!(shape.len() <= LONGEST_SHAPE);
    }

    #[test]
    fn how_many_are_listed_makes_no_other_shape(few in 1..9_usize, many in 1..900_usize, syntax in proptest::sample::select(ALL.to_vec())) {
        let listed = |count| format!("SELECT a FROM t WHERE b IN ({})", vec!["CAST('7' AS int)"; count].join(","));
        prop_assert_eq!(shape_of(&listed(few), syntax), shape_of(&listed(many), syntax));
    }
}
