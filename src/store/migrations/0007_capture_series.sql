-- What captures say of heartbeats: when their files were last changed, which is the last resort where a device has no clock, and
-- which builds are missing, without whose ELF values have no names.

-- Nanoseconds since 1970; NULL: not known.
ALTER TABLE capture_files ADD COLUMN modified_ns INTEGER;

-- `build_id` is '' where heartbeats name none.
CREATE TABLE waiting_heartbeats (
    capture      INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
    build_id     TEXT    NOT NULL,
    n_heartbeats INTEGER NOT NULL CHECK (n_heartbeats > 0),
    PRIMARY KEY (capture, build_id)
) STRICT, WITHOUT ROWID;
