package coverage

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Counts are numbers of scenes. Each scene that the queue knows is in exactly one of the states; InPlex counts across
// them.
type Counts struct {
	InPlex int // linked, and one of its items is in Plex

	UpToDate int            // in Plex, and nothing else is to be said
	Pending  int            // a job is due or waits
	NotFound int            // a job waits for the file to appear in Plex, or Plex no longer has the items of the scene
	Dead     int            // dead letters
	LeftOut  map[string]int // left out on purpose, by the code of the reason
	Restored int            // its items are back in their state before the first push
}

// Known returns the number of scenes in all states. The other scenes of Stash were never pushed to the server.
func (c Counts) Known() int {
	n := c.UpToDate + c.Pending + c.NotFound + c.Dead + c.Restored
	for _, some := range c.LeftOut {
		n += some
	}
	return n
}

// Queries selects the lists that Count merges, each as one value, because to read a million rows one by one takes several
// times as long. A list is in the order of the scenes, without sorting, and its queries read no base of an item.
var Queries = [...]string{
	jobs: `SELECT group_concat(one) FROM (SELECT scene_id || CASE last_error_class WHEN ?2 THEN ' awaits' ELSE '' END AS one
		FROM job WHERE ?1 IS NOT NULL ORDER BY scene_id)`,
	deadLetters: `SELECT group_concat(scene_id) FROM (SELECT scene_id FROM dead_letter WHERE ?1 IS NOT NULL ORDER BY scene_id)`,
	leftOut:     `SELECT group_concat(one) FROM (SELECT scene_id || ' ' || why AS one FROM left_out WHERE ?1 IS NOT NULL ORDER BY scene_id)`,
	links: `SELECT group_concat(one) FROM (SELECT scene_id || CASE restored WHEN 0 THEN ' kept' ELSE '' END AS one
		FROM link WHERE server = ?1 ORDER BY scene_id)`,
	items: `SELECT group_concat(owner) FROM (
		SELECT owner FROM item INDEXED BY item_owner WHERE owner <> 0 AND server = ?1 ORDER BY owner)`,
	absentItems: `SELECT group_concat(owner) FROM (
		SELECT owner FROM item INDEXED BY item_absent WHERE absent_since IS NOT NULL AND owner <> 0 AND server = ?1 ORDER BY owner)`,
}

// The lists.
const (
	jobs = iota
	deadLetters
	leftOut
	links
	items
	absentItems
)

// Count counts the scenes by state, for one server. awaits is the class of the jobs that wait for their files. It takes
// about 0.5 s for a million links, and 0.4 s more for a million jobs, with at most 50 bytes of memory for each.
func Count(ctx context.Context, tx *sqlitefile.Tx, server, awaits string) (Counts, error) {
	c := Counts{LeftOut: make(map[string]int)}
	var lists [len(Queries)]list
	for i, query := range Queries {
		var text sql.NullString
		if err := tx.QueryRowContext(ctx, query, server, awaits).Scan(&text); err != nil {
			return c, fmt.Errorf("cannot count the scenes: %w", err)
		}
		lists[i].rest = text.String
		lists[i].next()
	}
	for {
		scene := none
		for i := range lists {
			scene = min(scene, lists[i].scene)
		}
		if scene == none {
			return c, nil
		}
		var found [len(Queries)]entry
		for i := range lists {
			found[i] = lists[i].take(scene)
		}
		c.count(&found)
	}
}

// count counts one scene, of which each list has an entry.
func (c *Counts) count(found *[len(Queries)]entry) {
	linked := found[links].n > 0
	there := linked && found[items].n > found[absentItems].n
	if there {
		c.InPlex++
	}
	switch {
	case found[jobs].note != "":
		c.NotFound++
	case found[jobs].n > 0:
		c.Pending++
	case found[deadLetters].n > 0:
		c.Dead++
	case found[leftOut].n > 0:
		c.LeftOut[found[leftOut].note]++
	case !linked:
	case found[links].note == "":
		c.Restored++
	case there:
		c.UpToDate++
	default:
		c.NotFound++
	}
}

// A list contains scenes in ascending order, separated by commas, each with or without a note behind a blank.
type list struct {
	rest  string
	scene int // the first one; none at the end
	note  string
}

const none = math.MaxInt

// next goes on to the next scene.
func (l *list) next() {
	one, rest, _ := strings.Cut(l.rest, ",")
	id, note, _ := strings.Cut(one, " ")
	scene, err := strconv.Atoi(id)
	if err != nil { // the end, since the queries return numbers
		scene = none
	}
	l.rest, l.scene, l.note = rest, scene, note
}

// An entry is what a list says of one scene.
type entry struct {
	n    int    // how often it is in the list
	note string // the last one that is not empty
}

// take removes a scene from the beginning of the list.
func (l *list) take(scene int) (e entry) {
	for ; l.scene == scene; l.next() {
		e.n++
		if l.note != "" {
			e.note = l.note
		}
	}
	return e
}
