-- What was watched in Plex, and what of it was written to Stash.

-- A play is a row of Plex's history. A database of Plex that was restored uses its keys again, so the key alone is not
-- unique.
CREATE TABLE play (
  server      TEXT    NOT NULL,            -- machine identifier
  history_key TEXT    NOT NULL,
  viewed_at   INTEGER NOT NULL,            -- unix s, Plex's clock
  account_id  INTEGER NOT NULL,            -- Plex's
  rating_key  TEXT    NOT NULL,            -- '' if Plex no longer had the item
  section     TEXT    NOT NULL,
  title       TEXT    NOT NULL,            -- Plex's
  scene_id    INTEGER NOT NULL DEFAULT 0,  -- 0: no scene is known yet
  state       TEXT    NOT NULL CHECK (state IN ('past', 'new', 'writing', 'written', 'undoing', 'skipped', 'dead', 'undone')),
  reason      TEXT    NOT NULL DEFAULT '', -- JSON of the code and its parameters
  had         INTEGER NOT NULL DEFAULT 0,  -- how many plays at this second Stash had before it was asked to add or delete one
  attempts    INTEGER NOT NULL DEFAULT 0,
  due_at      INTEGER NOT NULL DEFAULT 0,  -- unix ms
  class       TEXT    NOT NULL DEFAULT '',
  last_error  TEXT    NOT NULL DEFAULT '',
  noted_at    INTEGER NOT NULL,            -- unix ms
  written_at  INTEGER NOT NULL DEFAULT 0,  -- unix ms
  PRIMARY KEY (server, history_key, viewed_at, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX play_state ON play (server, state, viewed_at);
CREATE INDEX play_scene ON play (scene_id, viewed_at);
CREATE INDEX play_work ON play (server, viewed_at) WHERE state IN ('new', 'writing') AND scene_id <> 0;
CREATE INDEX play_unmatched ON play (server, rating_key) WHERE state IN ('new', 'writing') AND scene_id = 0;
CREATE INDEX play_written ON play (server, written_at) WHERE state IN ('writing', 'written', 'undoing');

-- A play_account is a Plex account whose plays are imported. Older plays are only noted.
CREATE TABLE play_account (
  server     TEXT    NOT NULL,
  account_id INTEGER NOT NULL,
  since      INTEGER NOT NULL, -- unix s, Plex's clock
  PRIMARY KEY (server, account_id)
) STRICT, WITHOUT ROWID;

-- A resume_seen is the resume point of a Plex item when it was last read.
CREATE TABLE resume_seen (
  server         TEXT    NOT NULL,
  rating_key     TEXT    NOT NULL,
  view_offset    INTEGER NOT NULL, -- ms
  last_viewed_at INTEGER NOT NULL, -- unix s, Plex's clock
  PRIMARY KEY (server, rating_key)
) STRICT, WITHOUT ROWID;

-- A stash_write is a value that was written to a scene in Stash, for undoing it.
CREATE TABLE stash_write (
  id         INTEGER PRIMARY KEY,
  server     TEXT    NOT NULL,
  scene_id   INTEGER NOT NULL,
  rating_key TEXT    NOT NULL,
  what       TEXT    NOT NULL CHECK (what IN ('resume')),
  old        REAL    NOT NULL, -- s
  new        REAL    NOT NULL, -- s
  at         INTEGER NOT NULL, -- unix ms
  done       INTEGER NOT NULL DEFAULT 0, -- 1: Stash has confirmed it
  undone_at  INTEGER NOT NULL DEFAULT 0  -- unix ms
) STRICT;
CREATE INDEX stash_write_scene ON stash_write (scene_id, id);
CREATE INDEX stash_write_standing ON stash_write (server, id) WHERE undone_at = 0;
