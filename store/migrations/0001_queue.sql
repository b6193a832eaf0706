PRAGMA application_id = 0x53505379; -- "SPSy"

-- A job is one queued scene. A claim moves due_at ahead, so that the job of a dead process becomes due again; there is
-- no "running" state.
CREATE TABLE job (
  scene_id         INTEGER PRIMARY KEY CHECK (scene_id > 0),
  reason           TEXT    NOT NULL,
  priority         INTEGER NOT NULL CHECK (priority IN (0, 1)), -- 0: a person's edit of one scene, 1: all else
  enqueued_at      INTEGER NOT NULL,                            -- unix ms
  attempts         INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),   -- claims that ended in a temporary failure
  misses           INTEGER NOT NULL DEFAULT 0 CHECK (misses >= 0),     -- claims that ended not found
  unfinished       INTEGER NOT NULL DEFAULT 0 CHECK (unfinished >= 0), -- claims since the last ending
  due_at           INTEGER NOT NULL,                            -- unix ms
  first_failed_at  INTEGER,                                     -- unix ms
  last_error_class TEXT,
  last_error       TEXT,
  claim            INTEGER NOT NULL DEFAULT 0,                  -- number of the claim in force or last released, 0: none
  CHECK ((last_error_class IS NULL) = (last_error IS NULL))
) STRICT;
CREATE INDEX job_due ON job (priority, due_at);
CREATE INDEX job_trial ON job (attempts, due_at);

-- A dead letter is a complete job that has used all retries or cannot succeed, with the reason for the user.
CREATE TABLE dead_letter (
  scene_id        INTEGER PRIMARY KEY CHECK (scene_id > 0),
  reason          TEXT    NOT NULL,
  priority        INTEGER NOT NULL CHECK (priority IN (0, 1)),
  enqueued_at     INTEGER NOT NULL, -- unix ms
  attempts        INTEGER NOT NULL,
  misses          INTEGER NOT NULL,
  unfinished      INTEGER NOT NULL,
  first_failed_at INTEGER,          -- unix ms
  class           TEXT    NOT NULL,
  error           TEXT    NOT NULL,
  candidates      TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(candidates)),
  died_at         INTEGER NOT NULL  -- unix ms
) STRICT;
CREATE INDEX dead_letter_died ON dead_letter (died_at);
CREATE INDEX dead_letter_class ON dead_letter (class);

-- An awaited_file is a file of a job, a dead letter or a pushed scene that Plex does not have. When the index finds it,
-- the scene is due.
CREATE TABLE awaited_file (
  base     TEXT    NOT NULL, -- basename, NFC, case folded
  size     INTEGER NOT NULL, -- bytes
  path     TEXT    NOT NULL, -- Stash's path, normalised
  scene_id INTEGER NOT NULL,
  PRIMARY KEY (base, scene_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX awaited_file_scene ON awaited_file (scene_id);

-- An item is one Plex item with its base: the values before our first write, our tags in it, and what we sent. It is
-- written before the first request and outlives its links.
CREATE TABLE item (
  server       TEXT    NOT NULL,           -- machine identifier
  rating_key   TEXT    NOT NULL,
  section      TEXT    NOT NULL,
  owner        INTEGER NOT NULL DEFAULT 0, -- scene id, 0: none
  base         TEXT    NOT NULL CHECK (json_valid(base)), -- original, owned, sent, confirmed, normalized, rejected by Plex's field name; images by lock; paths
  absent_since INTEGER,                    -- unix ms; not in the index since
  PRIMARY KEY (server, rating_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_owner ON item (owner) WHERE owner <> 0;
CREATE INDEX item_absent ON item (absent_since) WHERE absent_since IS NOT NULL;

-- A link connects a scene with the Plex item that shows it, and names the rule that matched them.
CREATE TABLE link (
  server     TEXT    NOT NULL,
  scene_id   INTEGER NOT NULL,
  rating_key TEXT    NOT NULL,
  section    TEXT    NOT NULL,
  path       TEXT    NOT NULL,           -- Plex's path
  rule       TEXT    NOT NULL,           -- path, pathMap, learned, name+size, folders
  pushed_at  INTEGER NOT NULL,           -- unix ms
  updated_at TEXT    NOT NULL,           -- the scene's, as Stash stores it
  restored   INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1)),
  PRIMARY KEY (server, scene_id, rating_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_key ON link (server, rating_key);
CREATE INDEX link_scene ON link (scene_id);

-- A link_ref is a performer, studio, tag or group that a pushed scene mentions. After a Destroy, Stash no longer knows.
CREATE TABLE link_ref (
  kind     TEXT    NOT NULL CHECK (kind IN ('performer', 'studio', 'tag', 'group')),
  ref_id   INTEGER NOT NULL,
  scene_id INTEGER NOT NULL,
  PRIMARY KEY (kind, ref_id, scene_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_ref_scene ON link_ref (scene_id);

-- A fanout is a changed object that scenes mention. A run expands it into jobs.
CREATE TABLE fanout (
  kind        TEXT    NOT NULL CHECK (kind IN ('performer', 'studio', 'tag', 'group')),
  ref_id      INTEGER NOT NULL,
  enqueued_at INTEGER NOT NULL,           -- unix ms
  position    INTEGER NOT NULL DEFAULT 0, -- the last scene id expanded
  PRIMARY KEY (kind, ref_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fanout_oldest ON fanout (enqueued_at);

-- A scene_version is the version of a scene when it was last enqueued. The catch-up compares scenes with it.
CREATE TABLE scene_version (
  scene_id   INTEGER PRIMARY KEY,
  updated_at TEXT,    -- as Stash stores it; NULL: enqueued by a hook, which does not know it
  paths      INTEGER  -- hash of the file paths; NULL likewise
) STRICT;

-- The breaker is one row shared by all processes. opened_at identifies the opening that an outcome belongs to.
CREATE TABLE breaker (
  id                   INTEGER PRIMARY KEY CHECK (id = 1),
  state                TEXT    NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
  consecutive_failures INTEGER NOT NULL DEFAULT 0,
  failed_probes        INTEGER NOT NULL DEFAULT 0,
  opened_at            INTEGER, -- unix ms
  probe_at             INTEGER, -- unix ms; when the next probe may go out
  half_open_at         INTEGER, -- unix ms; when the probe under way began
  last_error           TEXT    NOT NULL DEFAULT '',
  CHECK ((state = 'closed') = (opened_at IS NULL)),
  CHECK ((state = 'closed') = (probe_at IS NULL)),
  CHECK ((state = 'half_open') = (half_open_at IS NOT NULL))
) STRICT;
INSERT INTO breaker (id, state) VALUES (1, 'closed');

-- An outage is a time during which the breaker was not closed.
CREATE TABLE outage (
  id         INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL, -- unix ms
  ended_at   INTEGER,          -- unix ms
  cause      TEXT    NOT NULL
) STRICT;

-- The attempt_log holds the latest attempts, limited per scene and in total.
CREATE TABLE attempt_log (
  id       INTEGER PRIMARY KEY,
  scene_id INTEGER NOT NULL,
  at       INTEGER NOT NULL, -- unix ms
  outcome  TEXT    NOT NULL,
  class    TEXT    NOT NULL DEFAULT '',
  error    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempt_log_scene ON attempt_log (scene_id, id);

-- Meta holds single values: client identifier, server identity, watermarks, the run mark, recent events, the claim number.
CREATE TABLE meta (
  key   TEXT    PRIMARY KEY,
  value TEXT    NOT NULL,
  at    INTEGER NOT NULL DEFAULT 0 -- unix ms
) STRICT, WITHOUT ROWID;
