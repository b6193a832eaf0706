-- A link_file is a file that a link of a scene names. When Plex shows that file as an item without a link, or with
-- another size, a run has to look whether the scene must be pushed again.
CREATE TABLE link_file (
  path_hash INTEGER NOT NULL, -- of Plex's path, normalised and without case
  scene_id  INTEGER NOT NULL,
  size      INTEGER NOT NULL, -- bytes, when the scene was last pushed; 0: unknown
  look_at   INTEGER,          -- unix ms; when to look; NULL: there is no reason
  PRIMARY KEY (path_hash, scene_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_file_scene ON link_file (scene_id);
CREATE INDEX link_file_look ON link_file (look_at) WHERE look_at IS NOT NULL;
