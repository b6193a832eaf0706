package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/coverage"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// covered counts the scenes of a queue by state.
func covered(t testing.TB, s *Store, server string) (c coverage.Counts) {
	t.Helper()
	err := s.View(t.Context(), func(tx *sqlitefile.Tx) (err error) {
		c, err = coverage.Count(t.Context(), tx, server, "not_found")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A scene of a random world.
type coveredScene struct {
	job     string // "": none; else its class
	dead    bool
	leftOut string
	items   []coveredItem
}

type coveredItem struct {
	server         string
	stored, absent bool
	restored       bool
}

// state says in which state a scene is, in the words of the documentation.
func (c coveredScene) state(server string) string {
	linked, there, restored := 0, 0, 0
	for _, it := range c.items {
		if it.server != server {
			continue
		}
		linked++
		if it.stored && !it.absent {
			there++
		}
		if it.restored {
			restored++
		}
	}
	switch {
	case c.job == "not_found":
		return "not found"
	case c.job != "":
		return "pending"
	case c.dead:
		return "dead"
	case c.leftOut != "":
		return "left out: " + c.leftOut
	case linked == 0:
		return ""
	case restored == linked:
		return "restored"
	case there > 0:
		return "up to date"
	}
	return "not found"
}

func (c coveredScene) inPlex(server string) bool {
	for _, it := range c.items {
		if it.server == server && it.stored && !it.absent {
			return true
		}
	}
	return false
}

// store writes a scene into the queue.
func (c coveredScene) store(t *testing.T, s *Store, id int) {
	t.Helper()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := s.write.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	if c.job != "" {
		exec(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at, last_error_class, last_error) VALUES (?, '', 1, 0, 0, NULLIF(?, 'new'), CASE ? WHEN 'new' THEN NULL ELSE '' END)`, id, c.job, c.job)
	}
	if c.dead {
		exec(`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at) VALUES (?, '', 1, 0, 0, 0, 0, 'not_found', '', 0)`, id)
	}
	if c.leftOut != "" {
		exec(`INSERT INTO left_out (scene_id, why) VALUES (?, ?)`, id, c.leftOut)
	}
	for i, it := range c.items {
		key := fmt.Sprint(id*10 + i)
		if it.stored {
			exec(`INSERT INTO item (server, rating_key, section, owner, base, absent_since) VALUES (?, ?, '1', ?, '{}', ?)`, it.server, key, id, map[bool]any{true: 1, false: nil}[it.absent])
		}
		exec(`INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at, restored) VALUES (?, ?, ?, '1', '', '', 0, '', ?)`, it.server, id, key, it.restored)
	}
}

func TestEachSceneIsInOneState(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			s := openStore(t)
			want := coverage.Counts{LeftOut: map[string]int{}}
			known := 0
			for id := 1; id <= 300; id++ {
				var c coveredScene
				switch random.IntN(6) {
				case 0:
					c.job = []string{"new", "not_found", "temporary"}[random.IntN(3)]
				case 1:
					c.dead = true
				}
				if random.IntN(4) == 0 {
					c.leftOut = []string{"no_data", "excluded_tag"}[random.IntN(2)]
				}
				for range random.IntN(4) {
					c.items = append(c.items, coveredItem{[]string{"S", "other"}[random.IntN(2)], random.IntN(5) > 0, random.IntN(3) == 0, random.IntN(2) == 0})
				}
				c.store(t, s, id)
				if c.inPlex("S") {
					want.InPlex++
				}
				state := c.state("S")
				if why, is := strings.CutPrefix(state, "left out: "); is {
					want.LeftOut[why]++
				}
				if state != "" {
					known++
				}
				for name, to := range map[string]*int{"pending": &want.Pending, "not found": &want.NotFound, "dead": &want.Dead, "restored": &want.Restored, "up to date": &want.UpToDate} {
					if name == state {
						*to++
					}
				}
			}
			if got := covered(t, s, "S"); !reflect.DeepEqual(got, want) || got.Known() != known {
				t.Errorf("%+v with %d known, want %+v with %d", got, got.Known(), want, known)
			}
		})
	}
}

func TestEmptyQueueHasNoScenes(t *testing.T) {
	if got := covered(t, openStore(t), ""); !reflect.DeepEqual(got, coverage.Counts{LeftOut: map[string]int{}}) {
		t.Errorf("%+v", got)
	}
}

// A scene is left out from the end of a claim that says so until something else becomes of it.
func TestSceneIsLeftOutUntilSomethingElseIsKnown(t *testing.T) {
	end := func(e Completion) func(t *testing.T, s *Store) {
		return func(t *testing.T, s *Store) {
			enqueueScenes(t, s, t0, InBulk, 1)
			e.Job = claim(t, s, t0, ClaimOptions{Only: 1})[0]
			endOne(t, s, t0, e)
		}
	}
	for name, c := range map[string]struct {
		then func(t *testing.T, s *Store)
		want map[string]int
	}{
		"nothing":        {func(*testing.T, *Store) {}, map[string]int{"no_data": 1}},
		"another reason": {end(Completion{Outcome: Drop, LeftOut: "not_organized"}), map[string]int{"not_organized": 1}},
		"pushed":         {end(Completion{Outcome: Done}), map[string]int{}},
		"gone":           {end(Completion{Outcome: Drop}), map[string]int{}},
		"failed":         {end(Completion{Outcome: Retry}), map[string]int{}},
		"queued":         {func(t *testing.T, s *Store) { enqueueScenes(t, s, t0, InBulk, 1) }, map[string]int{}},
		"destroyed": {func(t *testing.T, s *Store) {
			record(t, s, t0, HookRecord{Own: Request{SceneID: 1}, Gone: true})
		}, map[string]int{}},
		"restored": {func(t *testing.T, s *Store) {
			if _, err := s.CompleteRestore(t.Context(), t0, Restored{Server: "S", Scenes: []int{1}}); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{}},
		"crashed": {func(t *testing.T, s *Store) {
			enqueueScenes(t, s, t0, InBulk, 1)
			for i := range crashLimit {
				claim(t, s, t0.Add(time.Duration(i)*time.Minute), ClaimOptions{Only: 1})
			}
			if _, crashed, err := s.Claim(t.Context(), t0.Add(time.Hour), ClaimOptions{Only: 1, Wait: func(Job) time.Duration { return 0 }}); err != nil || len(crashed) != 1 {
				t.Fatal(crashed, err)
			}
			if _, err := s.ClearDead(t.Context(), Narrow{}); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{}},
		"edited while it is left out": {func(t *testing.T, s *Store) {
			enqueueScenes(t, s, t0, InBulk, 1)
			job := claim(t, s, t0, ClaimOptions{Only: 1})[0]
			enqueueScenes(t, s, t0, InBulk, 1)
			endOne(t, s, t0, Completion{Job: job, Outcome: Drop, LeftOut: "excluded_tag"})
			if _, err := s.ClearQueue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{"no_data": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			end(Completion{Outcome: Drop, LeftOut: "no_data"})(t, s)
			c.then(t, s)
			if got := covered(t, s, "S").LeftOut; !reflect.DeepEqual(got, c.want) {
				t.Errorf("left out: %v, want %v", got, c.want)
			}
		})
	}
}

func TestScenesAreCountedWithoutSorting(t *testing.T) {
	s := openStore(t)
	for _, query := range coverage.Queries {
		for _, step := range plan(t, s, query) {
			if strings.Contains(step, "TEMP B-TREE") && !strings.Contains(query, "item_absent") {
				t.Errorf("%s: a million rows are sorted for %s", step, query)
			}
			if strings.HasPrefix(step, "SCAN item") && !strings.Contains(step, "COVERING") && !strings.Contains(query, "item_absent") {
				t.Errorf("%s: the bases of all items are read for %s", step, query)
			}
		}
	}
}

// A build of an earlier version has pushed the scenes.
func TestQueueOfAnEarlierVersionIsCounted(t *testing.T) {
	for version := range 2 {
		dir := filepath.Join(t.TempDir(), "data")
		s := openIn(t, dir)
		syncScenes(t, s, t0, 1, 2)
		downgrade(t, s, version+1)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openIn(t, dir)
		if got, want := covered(t, s, "S"), (coverage.Counts{InPlex: 2, UpToDate: 2, LeftOut: map[string]int{}}); !reflect.DeepEqual(got, want) {
			t.Errorf("version %d: %+v, want %+v", version+1, got, want)
		}
		if d := days(t, s, t0, 1)[0]; d.Pushed != 0 {
			t.Errorf("version %d: %+v", version+1, d)
		}
		enqueueScenes(t, s, t0, InBulk, 1)
		endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Drop, LeftOut: "no_data"})
		if got := covered(t, s, "S"); got.LeftOut["no_data"] != 1 || got.UpToDate != 1 {
			t.Errorf("version %d: %+v", version+1, got)
		}
	}
}

// BenchmarkCoverage counts queues of two lengths, with few and with many jobs. The metric ms is the time for one count.
func BenchmarkCoverage(b *testing.B) {
	for _, c := range []struct{ links, jobs int }{{1_000, 100}, {1_000_000, 100}, {1_000_000, 1_000_000}} {
		b.Run(fmt.Sprintf("links=%d/jobs=%d", c.links, c.jobs), func(b *testing.B) {
			s := queueOf(b, c.jobs, t0)
			const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `
			for _, query := range []string{
				`INSERT INTO item (server, rating_key, section, owner, base) ` + numbers + `SELECT 'S', i * 7, '1', i, '{}' FROM n`,
				`INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at) ` + numbers + `SELECT 'S', i, i * 7, '1', '/videos/' || i, 'path', 0, '' FROM n`,
			} {
				if _, err := s.write.Exec(query, c.links); err != nil {
					b.Fatal(err)
				}
			}
			var took time.Duration
			for b.Loop() {
				begin := time.Now()
				if got := covered(b, s, "S"); got.InPlex != c.links {
					b.Fatalf("%+v", got)
				}
				took += time.Since(begin)
			}
			b.ReportMetric(1000*took.Seconds()/float64(b.N), "ms")
		})
	}
}
