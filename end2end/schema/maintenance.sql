-- A small part of the world that Inkfast edits: somebody looks after machines.
CREATE TABLE technicians (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE activities (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title         text NOT NULL CHECK (length(title) <= 200),
    notes         text,
    status        text NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'under way', 'done')),
    technician_id bigint REFERENCES technicians,
    due_on        date,
    hours         numeric(6, 2),
    urgent        boolean NOT NULL DEFAULT false
);

INSERT INTO technicians (name) VALUES ('Ada Berger'), ('Jonas Falk'), ('Mira Osei');

INSERT INTO activities (title, notes, status, technician_id, due_on, hours, urgent) VALUES
    ('Replace the belt of conveyor 4', 'Order the belt first.', 'planned', 1, '2026-12-01', 3.50, false),
    ('Inspect the pressure valve', 'The gauge reads 0.3 bar too much.', 'under way', 2, '2026-11-24', 1.25, true),
    ('Grease the bearings of the mixer', NULL, 'planned', 3, NULL, NULL, false);

INSERT INTO activities (title, status, technician_id, due_on, hours)
SELECT 'Weekly round ' || n, 'done', 1 + n % 3, date '2026-01-05' + 7 * n, 0.75 FROM generate_series(1, 40) n;
