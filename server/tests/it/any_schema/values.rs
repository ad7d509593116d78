//! Other valid values for a column of each type, in PostgreSQL's own writing.

/// In the order they are tried: a length or a constraint may refuse the first.
pub fn candidates(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "smallint" | "integer" | "bigint" | "oid" => &["2", "3", "17"],
        "numeric" => &["2.50", "3.75", "7", "1200", "0.0042"],
        "real" | "double precision" => &["2.5", "3.75"],
        "money" => &["$12.50", "$13.50"],
        "text" | "character varying" | "citext" | "name" => {
            &["changed", "chg", "c", "other", "oth", "o", "CHG", "changed@example.org"]
        }
        "character" => &["chg", "oth", "c", "o"],
        "\"char\"" => &["q", "r"],
        "boolean" => &["true", "false"],
        "uuid" => &[
            "99999999-9999-4999-8999-999999999999",
            "99999999-9999-4999-8999-999999999998",
        ],
        "json" | "jsonb" => &["{\"changed\": 1}", "[\"changed\"]"],
        "bytea" => &["00ff00", "0102"],
        "date" => &["2026-03-04", "2026-03-05"],
        "time without time zone" => &["10:20:30", "10:20:31"],
        "time with time zone" => &["10:20:30+00", "10:20:31+00"],
        "timestamp without time zone" => &["2026-03-04 10:20:30", "2026-03-04 10:20:31"],
        "timestamp with time zone" => &["2026-03-04 10:20:30+00", "2026-03-04 10:20:31+00"],
        "interval" => &["2 days 03:04:05", "2 years", "03:04:05"],
        "inet" => &["10.1.2.3", "10.1.2.4"],
        "cidr" => &["10.1.0.0/16", "10.2.0.0/16"],
        "macaddr" => &["08:00:2b:aa:bb:cc", "08:00:2b:aa:bb:cd"],
        "macaddr8" => &["08:00:2b:aa:bb:cc:dd:ee"],
        "bit" | "bit varying" => &["110", "011"],
        "int4range" | "int8range" | "numrange" => &["[3,7)", "[4,7)"],
        "daterange" => &["[2026-03-01,2026-04-01)", "[2026-04-01,2026-05-01)"],
        "tsrange" => &["[\"2026-03-01 00:00:00\",\"2026-04-01 00:00:00\")"],
        "tstzrange" => &["[\"2026-03-01 00:00:00+00\",\"2026-04-01 00:00:00+00\")"],
        "span" => &["[09:00:00,10:00:00)"],
        "int4multirange" => &["{[3,7),[9,11)}"],
        "datemultirange" => &["{[2026-03-01,2026-04-01)}"],
        "hstore" => &["\"z\"=>\"1\""],
        "point" => &["(3,4)", "(4,3)"],
        "line" => &["{2,3,4}"],
        "lseg" => &["[(1,2),(3,4)]"],
        "box" => &["(4,4),(3,3)"],
        "path" => &["((1,1),(2,2))"],
        "polygon" => &["((1,1),(2,2),(3,1))"],
        "circle" => &["<(2,2),1>"],
        "address" => &["(\"Other Street\",54321,3)"],
        "regclass" => &["pg_type"],
        "regtype" => &["text"],
        "pg_lsn" => &["16/B374D849"],
        "jsonpath" => &["$.\"z\""],
        "tid" => &["(1,2)"],
        "int2vector" => &["4 5 6"],
        "xml" => &["<changed/>"],
        "tsvector" => &["'changed':1"],
        "tsquery" => &["'changed'"],
        "smallint[]" | "integer[]" | "bigint[]" => &["{4,5,6}", "{{4,5},{6,7}}"],
        "text[]" | "citext[]" => &["{changed,\"two words\",NULL}", "{other}"],
        "character varying[]" | "short[]" => &["{chg}", "{oth}"],
        "numeric[]" => &["{7.25}", "{8.25}"],
        "clinical.blood_pressure" => &["(120,80)"],
        "nummultirange" => &["{[3,7)}"],
        "real[]" | "double precision[]" => &["{1.5,2.5}"],
        "time without time zone[]" => &["{10:20:30}"],
        "interval[]" => &["{01:00:00,00:30:00}"],
        "weekday[]" => &["{tue}", "{wed,thu}"],
        "\"Pharmacy\".\"Route\"[]" => &["{oral,rectal}"],
        "boolean[]" => &["{f,t}"],
        "bytea[]" => &["{\"\\\\xfe\"}"],
        "date[]" => &["{2026-03-04}"],
        "timestamp with time zone[]" => &["{\"2026-03-04 10:20:30+00\"}"],
        "mood[]" => &["{sad,in_progress}"],
        "\"Sales Dept\".\"My Type\"[]" => &["{x}", "{\"y z\"}"],
        "jsonb[]" => &["{\"{\\\"z\\\": 1}\"}"],
        "uuid[]" => &["{99999999-9999-4999-8999-999999999999}"],
        "inet[]" => &["{10.1.2.3}"],
        "box[]" => &["{(4,4),(3,3)}"],
        "address[]" => &["{\"(Other,1,2)\"}"],
        "int4range[]" => &["{\"[3,7)\",empty}"],
        "hstore[]" => &["{\"\\\"z\\\"=>\\\"1\\\"\"}"],
        _ => &[],
    }
}

/// A value nobody has yet, for a column that has to be unique.
pub fn fresh(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "smallint" | "integer" | "bigint" | "oid" => &["9001"],
        "numeric" => &["9001.5", "901"],
        "text" | "character varying" | "citext" | "name" => {
            &["fresh and/or new", "fresh", "fr", "FRE", "fresh@example.org"]
        }
        "character" => &["fr", "FRE", "f"],
        _ => candidates(type_name),
    }
}
