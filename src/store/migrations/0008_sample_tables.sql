-- What was read of each table of a fleet sample, and how, as JSON: a table with the same columns is read the same way.
ALTER TABLE sample_frames ADD COLUMN tables TEXT;
