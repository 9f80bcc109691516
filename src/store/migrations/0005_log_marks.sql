-- What a person marks in logs, and named sets of filters.

-- A bookmark belongs to the bytes of its log, not to a capture: the same file imported again has it again. `log` is
-- `sha256:` and the hash of the file, or `file:` and the path of a file that is only followed; then `head` has the first bytes
-- of the line in hexadecimal, to tell whether the line still stands there. `message` is the line as it read then.
CREATE TABLE log_bookmarks (
    log     TEXT    NOT NULL,
    offset  INTEGER NOT NULL CHECK (offset >= 0),
    head    TEXT,
    message TEXT    NOT NULL,
    note    TEXT,
    set_at  TEXT    NOT NULL,
    PRIMARY KEY (log, offset)
) STRICT, WITHOUT ROWID;

-- `stack` is JSON, as in a file of filter sets.
CREATE TABLE filter_sets (
    name     TEXT PRIMARY KEY,
    stack    TEXT NOT NULL,
    saved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was done to them, as in issue_log.
CREATE TABLE log_mark_log (
    id      INTEGER PRIMARY KEY,
    done_at TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    changes TEXT    NOT NULL,
    undone  INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;
