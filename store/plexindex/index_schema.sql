-- A plex_file is one file of one item, from a listing of its section. Queries look up texts by their 64-bit hashes,
-- which keeps the indexes small, and the program compares the texts. No index begins with the server: nearly all rows
-- have the same one, and without statistics SQLite would prefer such an index to a selective one.
CREATE TABLE plex_file (
  server      INTEGER NOT NULL, -- hash of the machine identifier
  section     TEXT    NOT NULL,
  rating_key  TEXT    NOT NULL,
  path        TEXT    NOT NULL, -- Plex's own form
  path_hash   INTEGER NOT NULL, -- of the path, normalised and without case
  base_hash   INTEGER NOT NULL, -- of the last element of that
  size        INTEGER NOT NULL, -- bytes
  duration    INTEGER NOT NULL, -- ms
  added_at    INTEGER NOT NULL, -- unix s, Plex's clock
  reading     INTEGER NOT NULL  -- number of the reading of the section that saw it last
) STRICT;
CREATE INDEX plex_file_key ON plex_file (rating_key);
CREATE INDEX plex_file_path ON plex_file (path_hash);
CREATE INDEX plex_file_base ON plex_file (base_hash, size);
CREATE INDEX plex_file_reading ON plex_file (section, server, reading);

-- A plex_section is the listing state of a section. marks is its fingerprint, and reading the number of a listing.
CREATE TABLE plex_section (
  server      TEXT    NOT NULL,
  section     TEXT    NOT NULL,
  title       TEXT    NOT NULL,
  marks       TEXT    NOT NULL, -- of the section when what is held of it began to be read
  reading     INTEGER NOT NULL, -- number of the reading under way or last finished
  position    INTEGER NOT NULL, -- where an unfinished reading goes on; -1: none is under way
  last_key    TEXT    NOT NULL, -- rating key of the row before position; '': unknown
  complete_at INTEGER NOT NULL, -- unix ms; when a reading was last finished; 0: never
  checked_at  INTEGER NOT NULL, -- unix ms; when it was last brought up to date
  added_at    INTEGER NOT NULL, -- unix s, Plex's clock: the newest value held
  updated_at  INTEGER NOT NULL, -- unix s, Plex's clock: the newest value held
  items       INTEGER NOT NULL, -- how many items the section had, those in the trash included
  PRIMARY KEY (server, section)
) STRICT, WITHOUT ROWID;
