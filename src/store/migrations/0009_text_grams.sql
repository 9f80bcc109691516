-- The sets of up to 4096 parts stand together now, by 8 bits. Texts that are in the workspace are searched without them.
DROP TABLE text_grams;
-- For 8 bits of the sets of up to 4096 parts: which of the parts have each.
CREATE TABLE text_grams (
    blob       INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    slice      INTEGER NOT NULL CHECK (slice >= 0),
    first_part INTEGER NOT NULL CHECK (first_part >= 0),
    bits       BLOB    NOT NULL,
    UNIQUE (blob, slice, first_part)
) STRICT;
