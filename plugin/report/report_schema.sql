-- A report is what one task found. Times are unix ms, 0 for none.
CREATE TABLE report (
  id          INTEGER PRIMARY KEY, -- when it began, so that no later file uses it again
  kind        TEXT    NOT NULL,
  scene_id    INTEGER NOT NULL,    -- 0: all scenes
  state       TEXT    NOT NULL,
  stopped     TEXT    NOT NULL,    -- why it ended early
  started_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  counts      TEXT    NOT NULL,    -- JSON
  position    TEXT    NOT NULL,    -- JSON; '' before the first page
  capped      INTEGER NOT NULL,
  outcome     TEXT    NOT NULL     -- of the restore that confirmed this dry run
) STRICT;
CREATE INDEX report_kind ON report (kind, id);

CREATE TABLE finding (
  report   INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  scene_id INTEGER NOT NULL,
  title    TEXT    NOT NULL,
  details  TEXT    NOT NULL, -- JSON
  PRIMARY KEY (report, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_kind ON finding (report, kind, number);

-- What the unfinished report about gaps has to remember.
CREATE TABLE note (
  hash  INTEGER PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;
