package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mention makes scenes 1 to n mention an object.
func mention(t *testing.T, s *Store, kind string, id, n int) {
	t.Helper()
	if _, err := s.write.Exec(`
		WITH RECURSIVE scene (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM scene WHERE id < ?)
		INSERT INTO link_ref (kind, ref_id, scene_id) SELECT ?, ?, id FROM scene`, n, kind, id); err != nil {
		t.Fatal(err)
	}
}

func changed(t *testing.T, s *Store, now time.Time, f FanoutRecord) bool {
	t.Helper()
	mark, err := s.RecordHook(t.Context(), now, HookRecord{Fanout: &f})
	if err != nil {
		t.Fatal(err)
	}
	return mark.Ask
}

func expand(t *testing.T, s *Store, now time.Time, limit int) (bool, int) {
	t.Helper()
	more, n, err := s.ExpandFanout(t.Context(), now, limit)
	if err != nil {
		t.Fatal(err)
	}
	return more, n
}

func jobsIn(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.read.QueryRow(`SELECT COUNT(*) FROM job`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFanoutEnqueuesEveryMentioningScene(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	mention(t, s, "tag", 3, 20_000)
	mention(t, s, "tag", 4, 5)
	mention(t, s, "studio", 3, 5)
	if !changed(t, s, t0, FanoutRecord{Kind: "tag", Own: 3}) || changed(t, s, t0, FanoutRecord{Kind: "tag", Own: 99}) {
		t.Error("want only the first hook to ask for a run")
	}
	for i, want := range []bool{true, true, true, true, false} {
		if more, _ := expand(t, s, t0, 5000); more != want || jobsIn(t, s) != min(20_000, (i+1)*5000) {
			t.Errorf("transaction %d: more %v with %d jobs, want %v", i, more, jobsIn(t, s), want)
		}
		if err := s.Close(); err != nil { // the process ends between two transactions
			t.Fatal(err)
		}
		s = openIn(t, dir)
	}
	j := jobOf(t, s, 20_000)
	if j.Reason != "tag changed" || j.Priority != InBulk {
		t.Errorf("job = %+v, want its reason and a low priority", j)
	}
}

func TestManySmallChangesExpandInOneTransaction(t *testing.T) {
	s := openStore(t)
	var others []int
	for id := range 300 {
		mention(t, s, "performer", id+1, 3)
		others = append(others, id+2)
	}
	changed(t, s, t0, FanoutRecord{Kind: "performer", Own: 1, Others: others, Event: "e", First: true})
	if more, n := expand(t, s, t0, 5000); more || n != 900 {
		t.Errorf("more %v after %d jobs, want all 900 enqueued", more, n)
	}
}

func TestSecondChangeRestartsTheFanout(t *testing.T) {
	s := openStore(t)
	mention(t, s, "group", 1, 30)
	changed(t, s, t0, FanoutRecord{Kind: "group", Own: 1})
	expand(t, s, t0, 20)
	for _, j := range claim(t, s, t0, ClaimOptions{}) {
		endOne(t, s, t0, Completion{Job: j, Outcome: Done})
	}
	changed(t, s, t0.Add(time.Second), FanoutRecord{Kind: "group", Own: 1})
	for more := true; more; {
		more, _ = expand(t, s, t0.Add(2*time.Second), 20)
	}
	if n := jobsIn(t, s); n != 30 {
		t.Errorf("%d scenes enqueued after the second change, want all 30", n)
	}
}

func TestFanoutSkipsRestoredScenes(t *testing.T) {
	s := openStore(t)
	pushed(t, s, 1, 2, 2)
	pushed(t, s, 2, 2, 1)
	changed(t, s, t0, FanoutRecord{Kind: "performer", Own: 7})
	if _, n := expand(t, s, t0, 100); n != 1 {
		t.Errorf("enqueued %d scenes, want 1", n)
	}
	jobOf(t, s, 2)
	if !isRestored(t, s, 1) {
		t.Error("the restored scene has lost its mark")
	}
}

func TestFanoutMakesQueuedJobsDue(t *testing.T) {
	s := openStore(t)
	mention(t, s, "tag", 1, 1)
	enqueueScenes(t, s, t0, ByPerson, 1)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Retry, Wait: time.Minute, Class: "temporary", Error: "e"})
	now := t0.Add(time.Second)
	changed(t, s, now, FanoutRecord{Kind: "tag", Own: 1})
	expand(t, s, now, 100)
	if j := jobOf(t, s, 1); !j.DueAt.Equal(now) || j.Attempts != 0 || j.Priority != ByPerson {
		t.Errorf("job = %+v, want it due now, as after any request", j)
	}
}

func TestClearQueueDeletesPendingFanouts(t *testing.T) {
	s := openStore(t)
	mention(t, s, "tag", 1, 30)
	changed(t, s, t0, FanoutRecord{Kind: "tag", Own: 1})
	expand(t, s, t0, 20)
	if n, err := s.ClearQueue(t.Context()); err != nil || n != 20 {
		t.Fatalf("ClearQueue = %d, %v; want 20", n, err)
	}
	if more, n := expand(t, s, t0, 20); more || n != 0 {
		t.Errorf("%d jobs after the queue was emptied, more %v", n, more)
	}
}

func TestFanoutOfAnEventIsRecordedOnce(t *testing.T) {
	s := openStore(t)
	rows := func() (n int) {
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM fanout`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	changed(t, s, t0, FanoutRecord{Kind: "tag", Own: 2, Others: []int{1, 3}, Event: "e"})
	if rows() != 3 {
		t.Errorf("the first hook of an event to come recorded %d changes, want 3", rows())
	}
	expand(t, s, t0, 100)
	changed(t, s, t0.Add(time.Second), FanoutRecord{Kind: "tag", Own: 3, Others: []int{1, 2}, Event: "e"})
	if rows() != 1 {
		t.Errorf("another hook of the event recorded %d changes, want only its own", rows())
	}
}

func TestFanoutReadsOnlyWhatItExpands(t *testing.T) {
	s := openStore(t)
	for _, c := range []struct {
		query, want string
		args        []any
	}{
		{mentioning, "SEARCH link_ref USING PRIMARY KEY (kind=? AND ref_id=? AND scene_id>?)", []any{"tag", 1, 5, 9}},
		{oldestFanout, "SCAN fanout USING INDEX fanout_oldest", nil},
	} {
		rows, err := s.read.Query(`EXPLAIN QUERY PLAN `+c.query, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
		}
		if got := strings.Join(plan, "; "); rows.Err() != nil || got != c.want {
			t.Errorf("%s\nhas the plan %s, want %s", c.query, got, c.want)
		}
	}
}
