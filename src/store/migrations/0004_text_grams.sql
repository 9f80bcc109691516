-- Smaller parts, and what is in them by bit instead of by part: a search asks about few bits of many parts. Texts that were stored
-- with the larger parts are searched whole.
DROP TABLE text_parts;
CREATE TABLE text_parts (
    blob        INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    part        INTEGER NOT NULL CHECK (part >= 0),
    n_line_ends INTEGER NOT NULL CHECK (n_line_ends >= 0),
    starts_line INTEGER NOT NULL CHECK (starts_line IN (0, 1)),
    UNIQUE (blob, part)
) STRICT;
-- For 64 bits of the sets of up to 512 parts: which of the parts have each.
CREATE TABLE text_grams (
    blob       INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    slice      INTEGER NOT NULL CHECK (slice >= 0),
    first_part INTEGER NOT NULL CHECK (first_part >= 0),
    bits       BLOB    NOT NULL,
    UNIQUE (blob, slice, first_part)
) STRICT;
