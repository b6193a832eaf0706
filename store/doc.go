// Package store keeps the durable state in one SQLite file (queue.db): the jobs with their retry metadata, the dead
// letters, the breaker's row, the bases of Plex items, and the learned path prefixes.
//
// A process may die at any instruction. There is no "running" state and no recovery step: a claim moves the
// job's due_at ahead and gives it a number; a completion names that number and does nothing if an edit has
// reset it in the meantime.
//
//	request ──► waiting (due_at in the future) ──► due ──claim──► claimed (due_at ahead, unfinished + 1)
//	   ▲             ▲                                               │
//	   │             ├── Retry (attempts + 1), Miss (misses + 1), ───┤
//	   │             │   Snooze, Release (not charged)               │
//	   │             └── the process died: due again automatically ──┤
//	   │                                                             ├── Done, Drop ──► gone from the table
//	   └──────────── revive ◄── dead letter ◄── ToDeadLetter ────────┘
//
// The caller decides how long to wait and when to dead-letter a job. The package does not log and does not
// know Plex or Stash. Callers pass in times, which are stored as unix milliseconds.
package store
