-- What can be in a part of a large text, so that a search unpacks few of them. A text without these rows is searched whole.
CREATE TABLE text_parts (
    blob        INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    part        INTEGER NOT NULL CHECK (part >= 0),
    n_line_ends INTEGER NOT NULL CHECK (n_line_ends >= 0),
    starts_line INTEGER NOT NULL CHECK (starts_line IN (0, 1)),
    grams       BLOB    NOT NULL,
    UNIQUE (blob, part)
) STRICT;
