// Package store keeps what must not be lost in one SQLite file (queue.db): the jobs with their retry metadata, the dead
// letters, the breaker's row, what is known of Plex items, and everything learned.
//
// Every process may die at any instruction. So there is no "running" state and no recovery step: a claim
// moves the job's due_at ahead and gives it a number; an ending names that number and does nothing if an
// edit has reset it meanwhile.
//
//	request ──► waiting (due_at in the future) ──► due ──claim──► claimed (due_at ahead, unfinished + 1)
//	   ▲             ▲                                               │
//	   │             ├── Retry (attempts + 1), Miss (misses + 1), ───┤
//	   │             │   Snooze, Release (not charged)               │
//	   │             └── the process died: due again by itself ──────┤
//	   │                                                             ├── Done, Drop ──► gone from the table
//	   └──────────── revive ◄── dead letter ◄── Bury ────────────────┘
//
// The package decides nothing: how long to wait and when to give up is the caller's business. It does not
// log and it does not know Plex or Stash. Times are passed in and stored as unix milliseconds.
package store
