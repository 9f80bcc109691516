-- Heartbeats of one device or of a fleet: values in blocks, one for each metric, day and group of devices.

-- Metrics of one name are one metric, whatever version they come from. `named_values` is a JSON array.
CREATE TABLE metrics (
    id           INTEGER PRIMARY KEY CHECK (id >= 16),
    name         TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL CHECK (kind IN ('gauge', 'counter', 'timer', 'state', 'text')),
    unit         TEXT,
    unit_is      TEXT    NOT NULL CHECK (unit_is IN ('guessed', 'defined', 'edited')),
    least        REAL,
    greatest     REAL,
    named_values TEXT    NOT NULL,
    description  TEXT
) STRICT;

CREATE TABLE series_versions (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE series_hardware (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT    NOT NULL UNIQUE
) STRICT;

-- The devices that have heartbeats or events, numbered without gaps: 128 of them are a group.
CREATE TABLE series_devices (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    device INTEGER NOT NULL UNIQUE REFERENCES devices (id)
) STRICT;

-- `id` is day (24 bits), metric (18 bits), group (18 bits) and type (3 bits): a day is one range, and in it the blocks of a
-- metric lie side by side. `summary` has count, sum, least and greatest value for each version; `data` the values.
CREATE TABLE series_blocks (
    id      INTEGER PRIMARY KEY,
    summary BLOB    NOT NULL,
    data    BLOB    NOT NULL
) STRICT;

-- An event that says no issue has '' there, so that the same event again is the same row. Version and hardware: 0 is not known.
CREATE TABLE series_events (
    time_ns  INTEGER NOT NULL,
    device   INTEGER NOT NULL REFERENCES series_devices (number),
    kind     TEXT    NOT NULL,
    issue    TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    hardware INTEGER NOT NULL,
    PRIMARY KEY (time_ns, device, kind, issue)
) STRICT, WITHOUT ROWID;

-- Where heartbeats came from, and what they are a sample of. `rates` is a JSON object; `manifest` is kept as it was.
CREATE TABLE sample_frames (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    sha256      TEXT,
    imported_at TEXT    NOT NULL,
    population  INTEGER CHECK (population >= 0),
    n_devices   INTEGER CHECK (n_devices >= 0),
    chosen_by   TEXT,
    seed        INTEGER,
    rates       TEXT    NOT NULL,
    manifest    TEXT
) STRICT;
