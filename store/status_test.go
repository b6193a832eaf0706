package store

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestCountsStopAtTheLimit(t *testing.T) {
	s := openStore(t)
	const n = sqlitefile.CountLimit + 5
	for _, q := range []string{
		`INSERT INTO dead_letter SELECT id, 'r', 1, 0, 0, 12, 0, 0, CASE WHEN id % 2 THEN 'rejected' ELSE 'not_found' END, 'e', '[]', id, '' FROM scene`,
		`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) SELECT id, 'r', 1, 0, 0 FROM scene`,
	} {
		if _, err := s.write.Exec(`WITH RECURSIVE scene (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM scene WHERE id < ?) `+q, n); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Counts(t.Context(), t0)
	if err != nil {
		t.Fatal(err)
	}
	capped := sqlitefile.Count{N: sqlitefile.CountLimit, Capped: true}
	if sum := c.DeadByClass["rejected"] + c.DeadByClass["not_found"]; c.Dead != capped || sum != sqlitefile.CountLimit {
		t.Errorf("dead letters = %+v, by class %v; want both to stop at %d", c.Dead, c.DeadByClass, sqlitefile.CountLimit)
	}
	if due, err := s.CountDue(t.Context(), t0); err != nil || due != capped || due != c.Due {
		t.Errorf("CountDue = %+v, %v; want %+v", due, err, c.Due)
	}
}

func TestCountDueSkipsWaitingJobs(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2)
	enqueueScenes(t, s, t0.Add(time.Minute), ByPerson, 3)
	enqueueScenes(t, s, t0.Add(LongestWait+time.Hour), InBulk, 4) // enqueued while the clock was ahead
	if due, err := s.CountDue(t.Context(), t0); err != nil || due != (sqlitefile.Count{N: 3}) {
		t.Errorf("CountDue = %+v, %v; want 3", due, err)
	}
}

func TestErrorTextsAreOneShortLineOfText(t *testing.T) {
	text := OneLine("a\nb\x00c\u0085d\xff" + strings.Repeat("é", 400))
	if !strings.HasPrefix(text, "a b c d\uFFFDé") || len([]rune(text)) != 300 {
		t.Errorf("OneLine = %d runes, %q", len([]rune(text)), text)
	}
	if text := OneLine("a\xff"); text != "a\uFFFD" {
		t.Errorf("OneLine of half a character = %q", text)
	}
}

func TestFailedJobsAreTheLatestWithTheirReasons(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3, 4)
	enqueueScenes(t, s, t0, ByPerson, 5)
	for scene, wait := range map[int]time.Duration{1: time.Minute, 3: 3 * time.Minute, 5: 2 * time.Minute} {
		j := claim(t, s, t0, ClaimOptions{Only: scene})[0]
		endOne(t, s, t0, Completion{Job: j, Outcome: Miss, Wait: wait, Class: "not_found", Error: "no item"})
	}
	claim(t, s, t0, ClaimOptions{Only: 4}) // being pushed: it has not failed
	for _, limit := range []int{50, 3, 2} {
		jobs, err := s.FailedJobs(t.Context(), limit)
		var scenes []int
		for _, j := range jobs {
			scenes = append(scenes, j.SceneID)
			if j.Error != "no item" || j.ErrorClass != "not_found" || j.Misses != 1 {
				t.Errorf("job = %+v", j)
			}
		}
		if want := []int{3, 5, 1}[:min(limit, 3)]; err != nil || !slices.Equal(scenes, want) {
			t.Errorf("at most %d failed jobs: %v, %v; want %v", limit, scenes, err, want)
		}
	}
}

// With a million waiting jobs the list reads 10,000 of each priority at most, in the order of an index.
func TestListOfFailedJobsReadsAnIndexUpToALimit(t *testing.T) {
	s, r := recordedStore(t)
	if _, err := s.FailedJobs(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	if len(r.statements) != 1 {
		t.Fatalf("%d statements, want one", len(r.statements))
	}
	for text := range maps.Clone(r.statements) { // plan adds its own
		steps := strings.Join(plan(t, s, text), "; ")
		if !strings.Contains(steps, "USING INDEX job_due (priority=?)") || strings.Contains(steps, "TEMP B-TREE") || !strings.Contains(text, "LIMIT ?) WHERE") {
			t.Errorf("%s\nin %s", steps, text)
		}
	}
}
