-- What the page shows. A reason is the JSON of a code and its parameters, '' for none.
ALTER TABLE job ADD COLUMN last_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN last_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt_log ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt_log ADD COLUMN fields TEXT NOT NULL DEFAULT ''; -- the settings' names of the written fields, with commas
ALTER TABLE attempt_log ADD COLUMN took_ms INTEGER NOT NULL DEFAULT 0;

-- A day sums up what happened on one day.
CREATE TABLE day (
  day_utc INTEGER PRIMARY KEY,          -- days since 1970-01-01, UTC
  pushed  INTEGER NOT NULL DEFAULT 0,   -- scenes of which Plex got a change
  failed  INTEGER NOT NULL DEFAULT 0,   -- attempts that failed and are retried
  dead    INTEGER NOT NULL DEFAULT 0,   -- jobs that became dead letters
  down_ms INTEGER NOT NULL DEFAULT 0    -- how long the breaker was not closed
) STRICT;

-- A left_out scene is one that is not pushed on purpose.
CREATE TABLE left_out (
  scene_id INTEGER PRIMARY KEY,
  why      TEXT NOT NULL -- the code of the reason
) STRICT;
CREATE INDEX left_out_why ON left_out (why);

-- A manual_link is a Plex file that a person has chosen for a scene.
CREATE TABLE manual_link (
  server     TEXT    NOT NULL,
  scene_id   INTEGER NOT NULL,
  file_path  TEXT    NOT NULL, -- Plex's, in the form in which paths are compared
  size       INTEGER NOT NULL, -- bytes
  rating_key TEXT    NOT NULL, -- of the item that last held the file
  chosen_at  INTEGER NOT NULL, -- unix ms
  PRIMARY KEY (server, scene_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX manual_link_file ON manual_link (server, file_path);
CREATE INDEX manual_link_scene ON manual_link (scene_id);
