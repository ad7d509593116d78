-- A maintenance department: what stands where, who looks after it, and what was done to it.

CREATE TABLE sites (
    id         INTEGER PRIMARY KEY,
    code       VARCHAR(8) NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,
    kind       TEXT NOT NULL DEFAULT 'plant' CHECK (kind IN ('plant', 'warehouse', 'office', 'pumping station')),
    opened_on  DATE,
    floor_area DECIMAL(10,1) CONSTRAINT floor_area_is_positive CHECK (floor_area > 0),
    guarded    BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE site_contacts (
    site_id  INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position > 0),
    name     TEXT NOT NULL,
    phone    VARCHAR(30),
    email    TEXT,
    PRIMARY KEY (site_id, position)
) WITHOUT ROWID;

CREATE TABLE technicians (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL UNIQUE,
    phone       VARCHAR(30),
    site_id     INTEGER REFERENCES sites (id),
    hired_on    DATE NOT NULL,
    hourly_rate DECIMAL(6,2) NOT NULL CONSTRAINT hourly_rate_is_positive CHECK (hourly_rate > 0),
    active      BOOLEAN NOT NULL DEFAULT TRUE,
    pin_hash    TEXT
);
CREATE INDEX technicians_site ON technicians (site_id);

CREATE TABLE activity_types (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    usual_hours    DECIMAL(4,2) NOT NULL,
    needs_approval BOOLEAN NOT NULL DEFAULT FALSE,
    description    TEXT
);

CREATE TABLE equipment (
    id             INTEGER PRIMARY KEY,
    tag            VARCHAR(20) NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    site_id        INTEGER NOT NULL REFERENCES sites (id),
    parent_id      INTEGER REFERENCES equipment (id),
    status         TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'standby', 'under repair', 'retired')),
    manufacturer   TEXT,
    serial_number  VARCHAR(40),
    purchase_price DECIMAL(10,2) CONSTRAINT purchase_price_is_not_negative CHECK (purchase_price >= 0),
    installed_on   DATE,
    notes          TEXT
);
CREATE INDEX equipment_site ON equipment (site_id);
CREATE INDEX equipment_parent ON equipment (parent_id);

CREATE TABLE equipment_technicians (
    equipment_id  INTEGER NOT NULL REFERENCES equipment (id) ON DELETE CASCADE,
    technician_id INTEGER NOT NULL REFERENCES technicians (id) ON DELETE CASCADE,
    role          TEXT NOT NULL DEFAULT 'deputy' CHECK (role IN ('responsible', 'deputy')),
    since         DATE,
    PRIMARY KEY (equipment_id, technician_id)
) WITHOUT ROWID;
CREATE INDEX equipment_technicians_technician ON equipment_technicians (technician_id);

CREATE TABLE schedules (
    id               INTEGER PRIMARY KEY,
    equipment_id     INTEGER NOT NULL REFERENCES equipment (id) ON DELETE CASCADE,
    activity_type_id INTEGER NOT NULL REFERENCES activity_types (id),
    interval_days    INTEGER NOT NULL CONSTRAINT interval_is_a_day_at_least CHECK (interval_days >= 1),
    next_due_on      DATE NOT NULL,
    active           BOOLEAN NOT NULL DEFAULT TRUE,
    instructions     TEXT,
    CONSTRAINT one_schedule_per_activity UNIQUE (equipment_id, activity_type_id)
);
CREATE INDEX schedules_activity_type ON schedules (activity_type_id);

CREATE TABLE activities (
    id               INTEGER PRIMARY KEY,
    title            VARCHAR(120) NOT NULL,
    equipment_id     INTEGER NOT NULL REFERENCES equipment (id),
    activity_type_id INTEGER NOT NULL REFERENCES activity_types (id),
    technician_id    INTEGER REFERENCES technicians (id) ON DELETE SET NULL,
    status           TEXT NOT NULL DEFAULT 'planned'
                     CHECK (status IN ('planned', 'in progress', 'waiting for parts', 'done', 'cancelled')),
    priority         TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    planned_on       DATE NOT NULL,
    started_at       DATETIME,
    finished_at      DATETIME,
    duration_hours   DECIMAL(6,2) CONSTRAINT duration_is_not_negative CHECK (duration_hours >= 0),
    cost             DECIMAL(10,2),
    approved         BOOLEAN,
    notes            TEXT,
    CONSTRAINT finished_after_started CHECK (finished_at >= started_at)
);
CREATE INDEX activities_equipment ON activities (equipment_id);
CREATE INDEX activities_activity_type ON activities (activity_type_id);
CREATE INDEX activities_technician ON activities (technician_id);
CREATE INDEX activities_planned_on ON activities (planned_on);

CREATE TABLE comments (
    id            INTEGER PRIMARY KEY,
    activity_id   INTEGER NOT NULL REFERENCES activities (id) ON DELETE CASCADE,
    technician_id INTEGER REFERENCES technicians (id) ON DELETE SET NULL,
    written_at    DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    body          TEXT NOT NULL
);
CREATE INDEX comments_activity ON comments (activity_id);
CREATE INDEX comments_technician ON comments (technician_id);
