package store

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// seen returns rows of a history: the nth row of the item with the key n, an hour after the one before.
func seen(n, account int) (rows []plays.Play) {
	for i := 1; i <= n; i++ {
		rows = append(rows, plays.Play{HistoryKey: fmt.Sprint("/h/", i), ViewedAt: t0.Add(time.Duration(i) * time.Hour), Account: account, RatingKey: fmt.Sprint(i), Section: "1", Title: "T"})
	}
	return rows
}

// since is an import of one account from t0 on.
var since = map[int]time.Time{1: t0}

// books opens a queue in which three scenes are linked to items with their keys.
func books(t *testing.T) (*Store, plays.Book) {
	t.Helper()
	s := openStore(t)
	syncScenes(t, s, t0, 1, 2, 3)
	return s, plays.Book{Queue: s, Server: "S"}
}

func notes(t *testing.T, b plays.Book, rows []plays.Play) int {
	t.Helper()
	n, err := b.Note(t.Context(), t0, rows, since)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func inState(t *testing.T, b plays.Book, state plays.State) []plays.Play {
	t.Helper()
	list, err := b.List(t.Context(), state, plays.Position{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPlayIsNotedOnce(t *testing.T) {
	_, b := books(t)
	rows := seen(3, 1)
	if n := notes(t, b, rows); n != 3 {
		t.Errorf("%d plays are new, want 3", n)
	}
	if n := notes(t, b, rows); n != 0 {
		t.Errorf("%d plays are new again", n)
	}
	again := rows[0] // a restored database of Plex uses its key again
	again.ViewedAt = again.ViewedAt.Add(time.Minute)
	other := rows[0]
	other.Account = 7
	if n := notes(t, b, []plays.Play{again, other}); n != 1 || len(inState(t, b, plays.Past)) != 1 {
		t.Errorf("%d plays are new, want that with another time; past are %+v", n, inState(t, b, plays.Past))
	}
}

func TestPlayBeforeTheImportIsPast(t *testing.T) {
	_, b := books(t)
	early := seen(1, 1)
	early[0].ViewedAt = t0
	if n := notes(t, b, early); n != 0 || len(inState(t, b, plays.Past)) != 1 {
		t.Errorf("%d plays are new", n)
	}
}

// The key of an item counts as long as nothing was written.
func TestPlayOfAnItemThatGetsAnotherKey(t *testing.T) {
	_, b := books(t)
	rows := seen(2, 1)
	notes(t, b, rows)
	if err := b.Match(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := inState(t, b, plays.New)
	written := list[0]
	written.State, written.WrittenAt = plays.Written, t0
	if err := b.Put(t.Context(), []plays.Play{written}); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].RatingKey = "3"
	}
	notes(t, b, rows)
	if got := inState(t, b, plays.New); len(got) != 1 || got[0].RatingKey != "3" || got[0].SceneID != 0 {
		t.Errorf("new: %+v", got)
	}
	if got := inState(t, b, plays.Written); len(got) != 1 || got[0].RatingKey != written.RatingKey || got[0].SceneID != written.SceneID {
		t.Errorf("written: %+v", got)
	}
	rows[0].RatingKey = "" // the item is gone meanwhile
	notes(t, b, rows)
	if got := inState(t, b, plays.New); len(got) != 1 || got[0].RatingKey != "3" {
		t.Errorf("new: %+v", got)
	}
}

// An item that several scenes share is that of its owner.
func TestPlayIsMatchedWithTheSceneThatIsShown(t *testing.T) {
	s, b := books(t)
	notes(t, b, append(seen(3, 1), plays.Play{HistoryKey: "/h/4", ViewedAt: t0.Add(time.Hour), Account: 1, RatingKey: "99"}))
	for _, text := range []string{
		`INSERT INTO link SELECT server, 7, rating_key, section, path, rule, pushed_at, updated_at, restored FROM link WHERE scene_id = 1`, // owned by 1
		`INSERT INTO link SELECT server, 8, rating_key, section, path, rule, pushed_at, updated_at, restored FROM link WHERE scene_id = 2`,
		`UPDATE item SET owner = 0 WHERE rating_key = '2'`, // owned by nobody
	} {
		if _, err := s.write.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Match(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, p := range inState(t, b, plays.New) {
		got[p.RatingKey] = p.SceneID
	}
	if want := map[string]int{"1": 1, "2": 0, "3": 3, "99": 0}; !maps.Equal(got, want) {
		t.Errorf("scenes by item: %v, want %v", got, want)
	}
	scenes, err := b.Scenes(t.Context(), []string{"1", "2", "3", "99"})
	if want := map[string]int{"1": 1, "3": 3}; err != nil || !maps.Equal(scenes, want) {
		t.Errorf("scenes by item: %v, %v, want %v", scenes, err, want)
	}
}

func TestPlayThatWaitsIsNoWork(t *testing.T) {
	_, b := books(t)
	notes(t, b, seen(3, 1))
	if err := b.Match(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := inState(t, b, plays.New)
	list[0].DueAt = t0.Add(time.Minute)
	list[1].DueAt = t0.Add(1000 * time.Hour) // before the clock was set back
	if err := b.Put(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for now, want := range map[time.Duration]int{0: 2, time.Minute: 3} {
		if work, err := b.Work(t.Context(), t0.Add(now), 10); err != nil || len(work) != want {
			t.Errorf("after %v: %d plays, %v, want %d", now, len(work), err, want)
		}
	}
}

// An account that is left out begins again, and its plays that were not written are past.
func TestAccountBeginsAgain(t *testing.T) {
	s, b := books(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Begin(t.Context(), []int{1, 7}, t0))
	must(b.Begin(t.Context(), []int{1, 8}, t0.Add(time.Hour)))
	got, err := b.Accounts(t.Context())
	if want := map[int]time.Time{1: t0, 8: t0.Add(time.Hour)}; err != nil || !maps.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("accounts: %v, %v, want %v", got, err, want)
	}
	notes(t, b, seen(2, 1))
	must(plays.End(t.Context(), s))
	if n := len(inState(t, b, plays.Past)); n != 2 {
		t.Errorf("%d plays are past, want 2", n)
	}
	before := revision(t, s)
	must(plays.End(t.Context(), s))
	if after := revision(t, s); after != before {
		t.Error("ending nothing changes the queue")
	}
}

func revision(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.read.QueryRow(`SELECT COUNT(*) + COALESCE(MAX(at), 0) FROM meta`).Scan(&n); err != nil && err != sql.ErrNoRows {
		t.Fatal(err)
	}
	return n
}

func TestImportTakesThePastAndTheUndone(t *testing.T) {
	_, b := books(t)
	ctx := t.Context()
	if err := b.Begin(ctx, []int{1}, t0.Add(1000*time.Hour)); err != nil {
		t.Fatal(err)
	}
	rows := append(seen(5, 1), seen(2, 7)...)
	if _, err := b.Note(ctx, t0, rows, nil); err != nil {
		t.Fatal(err)
	}
	undone := inState(t, b, plays.Past)[0]
	undone.State = plays.Undone
	if err := b.Put(ctx, []plays.Play{undone}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for {
		n, err := b.Import(ctx, []int{1}, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, n); n == 0 {
			break
		}
	}
	if !slices.Equal(got, []int{2, 2, 1, 0}) || len(inState(t, b, plays.Past)) != 2 {
		t.Errorf("imported %v", got)
	}
	if err := b.EndImport(ctx); err != nil || len(inState(t, b, plays.Past)) != 7 {
		t.Errorf("past after the end of the import: %d, %v", len(inState(t, b, plays.Past)), err)
	}
}

func TestPlaysAreListedInPages(t *testing.T) {
	_, b := books(t)
	rows := seen(7, 1)
	for i := range rows {
		rows[i].ViewedAt = t0.Add(time.Duration(1+i/3) * time.Hour) // several at the same second
	}
	notes(t, b, rows)
	var got []string
	for after := (plays.Position{}); ; {
		page, err := b.List(t.Context(), plays.New, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			got = append(got, p.HistoryKey)
		}
		after = plays.PositionOf(page[len(page)-1])
	}
	if want := []string{"/h/7", "/h/6", "/h/5", "/h/4", "/h/3", "/h/2", "/h/1"}; !slices.Equal(got, want) {
		t.Errorf("pages: %v, want %v", got, want)
	}
}

func TestPlaysSurviveDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	b := plays.Book{Queue: s, Server: "S"}
	notes(t, b, seen(50, 1))
	if _, err := b.PutWrite(t.Context(), plays.Write{SceneID: 1, RatingKey: "1", New: 5, At: t0}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damageTable(t, dir, "attempt_log")
	s, _ = recovered(t, dir)
	b.Queue = s
	if n := len(inState(t, b, plays.New)); n != 50 {
		t.Errorf("%d plays survive, want 50", n)
	}
	if list, err := b.Standing(t.Context(), time.Time{}, 0, 10); err != nil || len(list) != 1 {
		t.Errorf("resume points that survive: %+v, %v", list, err)
	}
}

// What a pull costs does not grow with the plays that were written.
func TestQueriesOfPlaysUseTheirIndexes(t *testing.T) {
	s, r := recordedStore(t)
	b := plays.Book{Queue: s, Server: "S"}
	ctx := t.Context()
	clear(r.statements)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.Accounts(ctx)
	check(err)
	check(b.Begin(ctx, []int{1}, t0))
	notes(t, b, seen(2, 1))
	check(b.Match(ctx))
	_, err = b.Work(ctx, t0, 10)
	check(err)
	_, err = b.Near(ctx, []plays.Play{{SceneID: 1, ViewedAt: t0}}, time.Minute)
	check(err)
	check(b.Put(ctx, inState(t, b, plays.New)))
	_, err = b.OfScene(ctx, 1, 20)
	check(err)
	_, err = b.WrittenSince(ctx, t0, 10)
	check(err)
	_, err = b.Paths(ctx, []string{"1"})
	check(err)
	_, err = b.Points(ctx, []string{"1"})
	check(err)
	check(b.PutPoints(ctx, []plays.Point{{RatingKey: "1"}}))
	_, err = b.Scenes(ctx, []string{"1"})
	check(err)
	id, err := b.PutWrite(ctx, plays.Write{SceneID: 1, At: t0})
	check(err)
	check(b.Confirm(ctx, id))
	_, err = b.LastWrites(ctx, []int{1})
	check(err)
	_, err = b.Standing(ctx, t0, 0, 10)
	check(err)
	check(b.Undo(ctx, id, t0))
	check(b.Drop(ctx, id))
	if len(r.statements) < 18 {
		t.Fatalf("only %d statements were seen", len(r.statements))
	}
	partial := []string{"play_work", "play_unmatched", "play_written", "stash_write_standing"} // they hold only what is to be done or undone
	for _, text := range slices.Sorted(maps.Keys(r.statements)) {
		for _, step := range plan(t, s, text) {
			small := slices.ContainsFunc(partial, func(index string) bool { return strings.Contains(step, index+" ") }) ||
				strings.Contains(step, "play_account") || strings.Contains(step, "play_state (server=? AND state=?")
			if walks(step) && !small || strings.Contains(step, "TEMP B-TREE") && !strings.Contains(text, "GROUP BY") {
				t.Errorf("%s\nin %s", step, text)
			}
		}
	}
}
