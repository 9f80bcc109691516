-- A row holds 8 bits of the sets of up to 4096 parts now, where it held 64 bits of 512: what is there would be read wrongly. Texts that are in
-- the workspace are searched without their sets.
DELETE FROM text_grams;
