CREATE VIEW capture_devices AS
    SELECT capture, device FROM crashes WHERE device IS NOT NULL
    UNION
    SELECT c.id, c.device FROM captures c JOIN devices d ON d.id = c.device
    WHERE d.serial IS NOT NULL
       OR EXISTS (SELECT 1 FROM crashes x WHERE x.capture = c.id AND x.device IS NULL)
       OR NOT EXISTS (SELECT 1 FROM crashes x WHERE x.capture = c.id);
CREATE TABLE blob_parts (
    blob  INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    part  INTEGER NOT NULL CHECK (part >= 0),
    codec TEXT    NOT NULL CHECK (codec IN ('raw', 'zstd')),
    size  INTEGER NOT NULL CHECK (size >= 0),
    bytes BLOB    NOT NULL,
    UNIQUE (blob, part)
) STRICT;
CREATE TABLE blobs (
    id     INTEGER PRIMARY KEY,
    sha256 BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
    size   INTEGER NOT NULL CHECK (size >= 0)
) STRICT;
CREATE TABLE boots (
    capture      INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    path         TEXT    NOT NULL,
    offset       INTEGER NOT NULL,
    build_id     TEXT,
    version      TEXT,
    reset_reason TEXT,
    text         TEXT    NOT NULL,
    PRIMARY KEY (capture, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE builds (
    id            INTEGER PRIMARY KEY,
    build_id      TEXT,
    software_type TEXT,
    version       TEXT,
    arch          TEXT
) STRICT;
CREATE TABLE capture_files (
    capture   INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    path      TEXT    NOT NULL,
    sha256    BLOB    NOT NULL CHECK (length(sha256) = 32),
    size      INTEGER NOT NULL CHECK (size >= 0),
    blob      INTEGER REFERENCES blobs (id),
    kind      TEXT    NOT NULL,
    format    TEXT    NOT NULL,
    n_lines   INTEGER,
    status    TEXT    NOT NULL CHECK (status IN ('understood', 'partly', 'not_understood')), modified_ns INTEGER,
    PRIMARY KEY (capture, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE captures (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    origin        TEXT    NOT NULL,
    imported_at   TEXT    NOT NULL,
    captured_at   TEXT,
    content_hash  BLOB    NOT NULL UNIQUE CHECK (length(content_hash) = 32),
    device        INTEGER NOT NULL REFERENCES devices (id),
    software_type TEXT,
    version       TEXT,
    build_id      TEXT,
    manifest      TEXT,
    notes         TEXT,
    removed_at    TEXT
) STRICT;
CREATE TABLE crash_functions (
    crash    INTEGER NOT NULL REFERENCES crashes (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    PRIMARY KEY (crash, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE crashes (
    id                  INTEGER PRIMARY KEY,
    capture             INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    ordinal             INTEGER NOT NULL,
    boot                INTEGER,
    dump_key            TEXT,
    build_id            TEXT,
    elf_build_id        TEXT,
    verified            INTEGER NOT NULL CHECK (verified IN (0, 1)),
    symbolized          INTEGER NOT NULL CHECK (symbolized IN (0, 1)),
    arch                TEXT    NOT NULL,
    kind                TEXT,
    summary             TEXT,
    pc                  INTEGER,
    function            TEXT,
    thread              TEXT,
    fingerprint_version INTEGER,
    fingerprint_key     TEXT,
    report              BLOB    NOT NULL,
    sources             TEXT    NOT NULL, device INTEGER REFERENCES devices (id), version TEXT, started_at TEXT,
    UNIQUE (capture, ordinal)
) STRICT;
CREATE TABLE devices (
    id       INTEGER PRIMARY KEY,
    serial   TEXT UNIQUE,
    hardware TEXT
) STRICT;
CREATE TABLE filter_sets (
    name     TEXT PRIMARY KEY,
    stack    TEXT NOT NULL,
    saved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE findings (
    capture INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    path    TEXT    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('found', 'kept', 'repaired', 'skipped', 'refused')),
    offset  INTEGER,
    length  INTEGER,
    code    TEXT,
    message TEXT    NOT NULL,
    PRIMARY KEY (capture, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE former_keys (
    identity TEXT NOT NULL,
    key      TEXT NOT NULL,
    PRIMARY KEY (identity, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE issue_keys (
    key     TEXT PRIMARY KEY,
    issue   INTEGER REFERENCES issues (id),
    follows TEXT,
    CHECK ((issue IS NULL) <> (follows IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE issue_log (
    id      INTEGER PRIMARY KEY,
    done_at TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    changes TEXT    NOT NULL,
    undone  INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;
CREATE TABLE issue_members (
    identity TEXT PRIMARY KEY,
    issue    INTEGER NOT NULL REFERENCES issues (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE issues (
    id          INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE,
    title       TEXT,
    closed      INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    note        TEXT,
    merged_into INTEGER REFERENCES issues (id),
    created_at  TEXT    NOT NULL
) STRICT;
CREATE TABLE log_bookmarks (
    log     TEXT    NOT NULL,
    offset  INTEGER NOT NULL CHECK (offset >= 0),
    head    TEXT,
    message TEXT    NOT NULL,
    note    TEXT,
    set_at  TEXT    NOT NULL,
    PRIMARY KEY (log, offset)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_mark_log (
    id      INTEGER PRIMARY KEY,
    done_at TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    changes TEXT    NOT NULL,
    undone  INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;
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
, tables TEXT) STRICT;
CREATE TABLE series_blocks (
    id      INTEGER PRIMARY KEY,
    summary BLOB    NOT NULL,
    data    BLOB    NOT NULL
) STRICT;
CREATE TABLE series_devices (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    device INTEGER NOT NULL UNIQUE REFERENCES devices (id)
) STRICT;
CREATE TABLE series_events (
    time_ns  INTEGER NOT NULL,
    device   INTEGER NOT NULL REFERENCES series_devices (number),
    kind     TEXT    NOT NULL,
    issue    TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    hardware INTEGER NOT NULL,
    PRIMARY KEY (time_ns, device, kind, issue)
) STRICT, WITHOUT ROWID;
CREATE TABLE series_hardware (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT    NOT NULL UNIQUE
) STRICT;
CREATE TABLE series_versions (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT    NOT NULL UNIQUE
) STRICT;
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE symbol_files (
    id          INTEGER PRIMARY KEY,
    build_id    TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    capture     INTEGER REFERENCES captures (id) ON DELETE CASCADE,
    arch        TEXT    NOT NULL,
    quality     TEXT    NOT NULL,
    size        INTEGER NOT NULL CHECK (size >= 0),
    modified_at TEXT,
    added_at    TEXT    NOT NULL,
    still_there INTEGER NOT NULL CHECK (still_there IN (0, 1))
) STRICT;
CREATE TABLE text_grams (
    blob       INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    slice      INTEGER NOT NULL CHECK (slice >= 0),
    first_part INTEGER NOT NULL CHECK (first_part >= 0),
    bits       BLOB    NOT NULL,
    UNIQUE (blob, slice, first_part)
) STRICT;
CREATE TABLE text_parts (
    blob        INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    part        INTEGER NOT NULL CHECK (part >= 0),
    n_line_ends INTEGER NOT NULL CHECK (n_line_ends >= 0),
    starts_line INTEGER NOT NULL CHECK (starts_line IN (0, 1)),
    UNIQUE (blob, part)
) STRICT;
CREATE TABLE waiting_heartbeats (
    capture      INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    build_id     TEXT    NOT NULL,
    n_heartbeats INTEGER NOT NULL CHECK (n_heartbeats > 0),
    PRIMARY KEY (capture, build_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE workspace (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    created_at TEXT    NOT NULL,
    revision   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX builds_by_build_id ON builds (build_id) WHERE build_id IS NOT NULL;
CREATE UNIQUE INDEX builds_by_version
    ON builds (coalesce(software_type, ''), coalesce(version, '')) WHERE build_id IS NULL;
CREATE INDEX capture_files_by_blob ON capture_files (blob);
CREATE INDEX captures_by_device ON captures (device);
CREATE INDEX crashes_by_build_id ON crashes (build_id, symbolized);
CREATE INDEX crashes_by_device ON crashes (device) WHERE device IS NOT NULL;
CREATE INDEX crashes_by_dump_key ON crashes (dump_key) WHERE dump_key IS NOT NULL;
CREATE INDEX crashes_by_fingerprint ON crashes (fingerprint_version, fingerprint_key);
CREATE INDEX symbol_files_by_build_id ON symbol_files (build_id);
CREATE UNIQUE INDEX symbol_files_in_captures ON symbol_files (capture, path) WHERE capture IS NOT NULL;
CREATE UNIQUE INDEX symbol_files_on_disk ON symbol_files (path) WHERE capture IS NULL;
