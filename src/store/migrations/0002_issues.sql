-- Issues made or changed by hand, and whose crash it is. An issue that nobody touched has no row: it is the crashes of
-- one fingerprint. Keys are written `v1:1:0123456789abcdef`, the version of the rule first.

-- What the manifest says of the file that a crash came in; NULL: what the capture says.
ALTER TABLE crashes ADD COLUMN device INTEGER REFERENCES devices (id);
ALTER TABLE crashes ADD COLUMN version TEXT;
ALTER TABLE crashes ADD COLUMN started_at TEXT;
CREATE INDEX crashes_by_device ON crashes (device) WHERE device IS NOT NULL;

CREATE TABLE issues (
    id          INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE,
    title       TEXT,
    closed      INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    note        TEXT,
    merged_into INTEGER REFERENCES issues (id),
    created_at  TEXT    NOT NULL
) STRICT;

-- Which issue a fingerprint belongs to. With `follows` it goes where that key goes, for as long as that one is owned:
-- crashes of it got a new key when their symbols arrived.
CREATE TABLE issue_keys (
    key     TEXT PRIMARY KEY,
    issue   INTEGER REFERENCES issues (id),
    follows TEXT,
    CHECK ((issue IS NULL) <> (follows IS NULL))
) STRICT, WITHOUT ROWID;

-- A crash that was put into an issue by itself. It is named by its bytes, not by its row: the same bytes imported again
-- are the same crash.
CREATE TABLE issue_members (
    identity TEXT PRIMARY KEY,
    issue    INTEGER NOT NULL REFERENCES issues (id)
) STRICT, WITHOUT ROWID;

-- Fingerprints that a crash had before its symbols arrived.
CREATE TABLE former_keys (
    identity TEXT NOT NULL,
    key      TEXT NOT NULL,
    PRIMARY KEY (identity, key)
) STRICT, WITHOUT ROWID;

-- What was done by hand, oldest first, with the rows it changed: undo puts back what was before. Undone steps are
-- always the last ones; a new step forgets them.
CREATE TABLE issue_log (
    id      INTEGER PRIMARY KEY,
    done_at TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    changes TEXT    NOT NULL,
    undone  INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;

-- Whose captures there are. The nameless device of a capture counts only when something in the capture has no other.
CREATE VIEW capture_devices AS
    SELECT capture, device FROM crashes WHERE device IS NOT NULL
    UNION
    SELECT c.id, c.device FROM captures c JOIN devices d ON d.id = c.device
    WHERE d.serial IS NOT NULL
       OR EXISTS (SELECT 1 FROM crashes x WHERE x.capture = c.id AND x.device IS NULL)
       OR NOT EXISTS (SELECT 1 FROM crashes x WHERE x.capture = c.id);
