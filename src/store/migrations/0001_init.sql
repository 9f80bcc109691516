-- The first schema of a workspace. Never edited after a release: a change is a new file.
--
-- Words: text times are RFC 3339 in UTC; build ids and hashes are lower-case hex where a person may
-- look at them, raw bytes where only the program does; NULL means not known, never 0.

-- One row: what changed since somebody looked last.
CREATE TABLE workspace (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    created_at TEXT    NOT NULL,
    revision   INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Raw bytes by content, cut into parts so that a large file never has to be in memory at once.
CREATE TABLE blobs (
    id     INTEGER PRIMARY KEY,
    sha256 BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
    size   INTEGER NOT NULL CHECK (size >= 0)
) STRICT;

CREATE TABLE blob_parts (
    blob  INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    part  INTEGER NOT NULL CHECK (part >= 0),
    codec TEXT    NOT NULL CHECK (codec IN ('raw', 'zstd')),
    size  INTEGER NOT NULL CHECK (size >= 0),
    bytes BLOB    NOT NULL,
    UNIQUE (blob, part)
) STRICT;

-- A device without a serial number is a row of its own for each capture: never merged by itself.
CREATE TABLE devices (
    id       INTEGER PRIMARY KEY,
    serial   TEXT UNIQUE,
    hardware TEXT
) STRICT;

-- A build is known by its build id; without one, by software type and version.
CREATE TABLE builds (
    id            INTEGER PRIMARY KEY,
    build_id      TEXT,
    software_type TEXT,
    version       TEXT,
    arch          TEXT
) STRICT;
CREATE UNIQUE INDEX builds_by_build_id ON builds (build_id) WHERE build_id IS NOT NULL;
CREATE UNIQUE INDEX builds_by_version
    ON builds (coalesce(software_type, ''), coalesce(version, '')) WHERE build_id IS NULL;

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
CREATE INDEX captures_by_device ON captures (device);

CREATE TABLE capture_files (
    capture   INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    path      TEXT    NOT NULL,
    sha256    BLOB    NOT NULL CHECK (length(sha256) = 32),
    size      INTEGER NOT NULL CHECK (size >= 0),
    blob      INTEGER REFERENCES blobs (id),
    kind      TEXT    NOT NULL,
    format    TEXT    NOT NULL,
    n_lines   INTEGER,
    status    TEXT    NOT NULL CHECK (status IN ('understood', 'partly', 'not_understood')),
    PRIMARY KEY (capture, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_files_by_blob ON capture_files (blob);

-- The import report.
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

-- A crash with its report; the columns repeat what lists, filters and groups need.
-- Crashes of different captures with one dump_key are one crash that was seen several times.
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
    sources             TEXT    NOT NULL,
    UNIQUE (capture, ordinal)
) STRICT;
CREATE INDEX crashes_by_build_id ON crashes (build_id, symbolized);
CREATE INDEX crashes_by_fingerprint ON crashes (fingerprint_version, fingerprint_key);
CREATE INDEX crashes_by_dump_key ON crashes (dump_key) WHERE dump_key IS NOT NULL;

-- The functions on the crashed thread's stack, innermost first: what a search finds.
CREATE TABLE crash_functions (
    crash    INTEGER NOT NULL REFERENCES crashes (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    PRIMARY KEY (crash, position)
) STRICT, WITHOUT ROWID;

-- Where an ELF can be read: a file on disk (path), or a file of a capture (capture and path).
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
CREATE INDEX symbol_files_by_build_id ON symbol_files (build_id);
CREATE UNIQUE INDEX symbol_files_on_disk ON symbol_files (path) WHERE capture IS NULL;
CREATE UNIQUE INDEX symbol_files_in_captures ON symbol_files (capture, path) WHERE capture IS NOT NULL;
