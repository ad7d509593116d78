-- What a MariaDB may have: a small publisher, and a table with every type.

CREATE TABLE country (code char(2) PRIMARY KEY CHECK (code RLIKE '^[A-Z]{2}$'), name varchar(60) NOT NULL UNIQUE, in_eu boolean NOT NULL DEFAULT false);
INSERT INTO country VALUES ('DE', 'Deutschland', true), ('AT', 'Österreich', true), ('CH', 'Schweiz', false);

CREATE TABLE account (id int unsigned AUTO_INCREMENT PRIMARY KEY, email varchar(120) NOT NULL UNIQUE, full_name varchar(80), password_hash varchar(100), api_token varbinary(32),
    country_code char(2), active bit(1) NOT NULL DEFAULT b'1', credits decimal(12,4) NOT NULL DEFAULT 0, settings json NOT NULL DEFAULT '{}',
    touched timestamp NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP, FOREIGN KEY (country_code) REFERENCES country (code));
INSERT INTO account (email, full_name, password_hash, country_code, settings) VALUES ('first@example.org', 'Ärmel & Söhne', 'x', 'DE', '{"theme":  "dark"}'), ('second@example.org', NULL, NULL, NULL, '[]');

CREATE TABLE category (id smallint AUTO_INCREMENT PRIMARY KEY, parent_id smallint, name varchar(50) NOT NULL, position mediumint NOT NULL DEFAULT 0, description text,
    UNIQUE (parent_id, name), FOREIGN KEY (parent_id) REFERENCES category (id));
INSERT INTO category (parent_id, name, description) VALUES (NULL, 'Books', 'All\nof them.'), (1, 'Novels', ''), (1, 'Verse', NULL);

CREATE TABLE article (id bigint AUTO_INCREMENT PRIMARY KEY, slug varchar(40) NOT NULL UNIQUE, title varchar(200) NOT NULL COMMENT 'As on the cover', body longtext, note varchar(100),
    state enum('draft', 'in review', 'published', 'it''s over') NOT NULL DEFAULT 'draft', level int CHECK (level IN (1, 2, 3)), price decimal(8,2) NOT NULL DEFAULT 0 CHECK (price >= 0),
    words int GENERATED ALWAYS AS (CHAR_LENGTH(title)) STORED, author_id int unsigned, published_on date, rating float, FOREIGN KEY (author_id) REFERENCES account (id)) COMMENT 'What can be read';
CREATE TRIGGER lower_slug BEFORE UPDATE ON article FOR EACH ROW SET NEW.slug = LOWER(NEW.slug);
DELIMITER //
CREATE TRIGGER polite BEFORE UPDATE ON article FOR EACH ROW FOLLOWS lower_slug
    IF NEW.note = 'forbidden' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'We do not say that.'; END IF //
DELIMITER ;
INSERT INTO article (slug, title, body, state, author_id, rating) VALUES ('first', 'The first', 'Two\nlines', 'published', 1, 0.1), ('second', '</select>&amp; the second', NULL, 'it''s over', NULL, NULL);

CREATE TABLE article_category (article_id bigint, category_id smallint, position tinyint NOT NULL DEFAULT 1, PRIMARY KEY (article_id, category_id),
    FOREIGN KEY (article_id) REFERENCES article (id) ON DELETE CASCADE, FOREIGN KEY (category_id) REFERENCES category (id));
INSERT INTO article_category VALUES (1, 1, 1), (1, 2, 2);

CREATE TABLE opening (day date PRIMARY KEY, opens time NOT NULL DEFAULT '09:00:00', closes time(3), remark tinytext);
INSERT INTO opening VALUES ('2026-01-02', '10:00:00', '18:00:00.500', 'New year'), ('2026-01-03', '09:00:00', NULL, NULL);

CREATE TABLE `Odd ``Name` (`Key, part` varchar(30), `2nd/part` int, `The ? value` varchar(40), `"quoted"` text, `€` decimal(6,2), PRIMARY KEY (`2nd/part`, `Key, part`));
INSERT INTO `Odd ``Name` VALUES ('a/b, c', 1, 'w?y', '"', 1.5), ('', -2, NULL, '', NULL);

CREATE TABLE by_bytes (k varbinary(16) PRIMARY KEY, v varchar(20));
INSERT INTO by_bytes VALUES (x'00ff', 'one'), (x'', 'none');

CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT uuid(), name varchar(20), at datetime(6) NOT NULL DEFAULT current_timestamp(6));
INSERT INTO by_uuid (id, name, at) VALUES ('123e4567-e89b-12d3-a456-426614174000', 'known', '2026-01-31 14:30:00.123456');

CREATE TABLE by_moment (at datetime PRIMARY KEY, v varchar(20));
INSERT INTO by_moment VALUES ('2026-01-31 14:30:00', 'then');

CREATE TABLE only_key (a int, b int, PRIMARY KEY (a, b));
INSERT INTO only_key VALUES (1, 2);

CREATE TABLE keyless (a int, b text);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x');

CREATE TABLE versioned (id int PRIMARY KEY, v varchar(20)) WITH SYSTEM VERSIONING;
INSERT INTO versioned VALUES (1, 'first');

CREATE TABLE parted (id int, day date, v varchar(20), PRIMARY KEY (id, day)) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO parted VALUES (1, '2026-01-01', 'a'), (2, '2026-01-01', 'b');

CREATE TABLE loose (id int PRIMARY KEY, v varchar(20)) ENGINE = MyISAM;
INSERT INTO loose VALUES (1, 'cannot be undone');

CREATE TABLE latin (id int PRIMARY KEY, v varchar(20)) CHARACTER SET latin1 COLLATE latin1_german2_ci;
INSERT INTO latin VALUES (1, 'Müller €');

CREATE TABLE types (id int AUTO_INCREMENT PRIMARY KEY, i1 tinyint, i2 smallint, i3 mediumint, i8 bigint, u8 bigint unsigned, y year, n decimal(30,10), z int(8) unsigned zerofill,
    f float, f2 float(7,3), d double, c char(5), v varchar(30), tt tinytext, t text, mt mediumtext, lt longtext, latin varchar(20) CHARACTER SET latin1, bin varchar(20) COLLATE utf8mb4_bin,
    yes boolean, one bit(1), bits bit(3), day date, at time, at6 time(6), ts datetime, ts3 datetime(3), moment timestamp NULL,
    uu uuid, ip6 inet6, doc json, fixed binary(4), some varbinary(8), tb tinyblob, bl blob, lb longblob,
    mood enum('sad', 'Very "happy"'), empty_or_x enum('', 'x'), flags set('a', 'b', 'c'), spot point);
INSERT INTO types VALUES (1, -1, -2, -3, -9223372036854775808, 18446744073709551614, 1999, 12345678901234567890.0123456789, 42,
    0.1, 1.5, 0.30000000000000004, 'abc', 'trailing  ', '', 'two\nlines', 'medium', 'long', 'Grüße', 'Bin',
    true, b'0', b'101', '2024-02-29', '23:59:59', '-27:15:00.5', '2026-01-31 14:30:00', '2026-01-31 14:30:00.5', '2026-01-31 14:30:00',
    '123e4567-e89b-12d3-a456-426614174000', '2001:db8::1', '{"b":  1}', x'00ff0000', x'', x'01', x'deadbeef', x'', 'sad', '', 'a,b', ST_GeomFromText('POINT(1 2)'));
INSERT INTO types (id) VALUES (2);

CREATE VIEW published AS SELECT id, title FROM article WHERE state = 'published';
