package lists_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

var t0 = time.UnixMilli(1_800_000_000_000)

func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func prepare(t testing.TB, s *store.Store) {
	t.Helper()
	if err := lists.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// run runs statements in one transaction.
func run(t testing.TB, s *store.Store, statements ...string) {
	t.Helper()
	err := s.InTx(t.Context(), func(tx *sqlitefile.Tx) error {
		for _, text := range statements {
			if _, err := tx.ExecContext(t.Context(), text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *store.Store, f func(tx *sqlitefile.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// A row is a row of one of the lists, for the oracle.
type row struct {
	scene, priority, attempts int
	class                     string
	at                        int64
}

// insert returns the statement that adds a row to a list.
func (r row) insert(kind lists.Kind) string {
	if kind == lists.DeadLetters {
		return fmt.Sprintf(`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at)
			VALUES (%d, 'edited', %d, 1, %d, 2, 0, '%s', 'why', %d)`, r.scene, r.priority, r.attempts, r.class, r.at)
	}
	failed := `NULL, NULL`
	if r.class != "" {
		failed = fmt.Sprintf(`'%s', 'why'`, r.class)
	}
	return fmt.Sprintf(`INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, last_error_class, last_error)
		VALUES (%d, 'edited', %d, 1, %d, 2, %d, %s)`, r.scene, r.priority, r.attempts, r.at, failed)
}

var classes = []string{"", "not_found", "temporary", "rejected"}

// randomRow returns a row for the oracle. Many rows have the same time; some were written by a clock that was ahead.
func randomRow(r *rand.Rand, kind lists.Kind, scene int) row {
	class := classes[r.IntN(len(classes))]
	if kind == lists.DeadLetters && class == "" {
		class = "crashed"
	}
	at := t0.UnixMilli() + []int64{0, 0, 1, 60_000, 599_999, 600_000, 600_001, 7_000_000, -60_000, -1, -7_000_000}[r.IntN(11)]
	switch {
	case r.IntN(12) > 0:
	case kind == lists.DeadLetters:
		at = math.MinInt64
	default:
		at = math.MaxInt64
	}
	return row{scene, r.IntN(2), r.IntN(4), class, at}
}

// filters returns every combination of what a filter can say.
func filters() []lists.Filter {
	var some []int
	for id := 5; id < 400; id += 3 {
		some = append(some, id)
	}
	var all []lists.Filter
	for _, scenes := range [][]int{nil, some, {}} {
		for _, byAttempts := range []bool{false, true} {
			for _, class := range slices.Concat(classes, []string{"none"}) {
				for _, state := range []lists.State{lists.Any, lists.Due, lists.Waiting} {
					all = append(all, lists.Filter{Kind: lists.Jobs, State: state, Class: class, Scenes: scenes, Attempts: byAttempts, Now: t0})
				}
				all = append(all, lists.Filter{Kind: lists.DeadLetters, Class: class, Scenes: scenes, Attempts: byAttempts, Now: t0})
			}
		}
	}
	return all
}

func name(f lists.Filter) string {
	return fmt.Sprintf("%s state=%q class=%q attempts=%v scenes=%v", f.Kind, f.State, f.Class, f.Attempts, f.Scenes != nil)
}

// expected returns the scenes of a list as a person would pick and sort them.
func expected(f lists.Filter, rows []row) []int {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		wait := r.at - f.Now.UnixMilli()
		waits := wait > 0 && wait <= 600_000
		return f.State == lists.Due && waits || f.State == lists.Waiting && !waits ||
			f.Class != "" && r.class != f.Class || f.Scenes != nil && !slices.Contains(f.Scenes, r.scene)
	})
	slices.SortFunc(rows, func(a, b row) int {
		if f.Attempts && a.attempts != b.attempts {
			return b.attempts - a.attempts
		}
		c := cmp.Or(cmp.Compare(a.at, b.at), a.scene-b.scene)
		if f.Kind == lists.DeadLetters {
			c = -c
		}
		return c
	})
	ids := make([]int, len(rows))
	for i, r := range rows {
		ids[i] = r.scene
	}
	return ids
}

// walk reads all pages of a list and calls between after each.
func walk(t *testing.T, s *store.Store, f lists.Filter, limit int, between func()) (ids []int) {
	t.Helper()
	for cursor := ""; ; {
		var page []lists.Entry
		view(t, s, func(tx *sqlitefile.Tx) (err error) {
			page, cursor, err = lists.Page(t.Context(), tx, f, cursor, limit)
			return err
		})
		for _, e := range page {
			ids = append(ids, e.SceneID)
		}
		if len(page) > limit || cursor != "" && len(page) < limit {
			t.Fatalf("%s: a page of %d, want %d", name(f), len(page), limit)
		}
		if len(ids) > 1000 {
			t.Fatalf("%s: pages without end: %v", name(f), ids)
		}
		if cursor == "" {
			return ids
		}
		between()
	}
}

// The pages of every list are what an oracle picks and sorts, with and without the indexes of Prepare.
func TestPagesAreTheWholeList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, prepared := range []bool{false, true} {
		s := openStore(t)
		if prepared {
			prepare(t, s)
		}
		rows := make(map[lists.Kind][]row)
		for _, kind := range []lists.Kind{lists.Jobs, lists.DeadLetters} {
			for id := 1; id <= 400; id++ {
				one := randomRow(r, kind, id)
				rows[kind] = append(rows[kind], one)
				run(t, s, one.insert(kind))
			}
		}
		for _, f := range filters() {
			want := expected(f, rows[f.Kind])
			for _, limit := range []int{1 + r.IntN(30), len(want) + 1} {
				if got := walk(t, s, f, limit, func() {}); !slices.Equal(got, want) {
					t.Errorf("%s, prepared=%v: %v, want %v", name(f), prepared, got, want)
				}
			}
			view(t, s, func(tx *sqlitefile.Tx) error {
				c, err := lists.Count(t.Context(), tx, f)
				if err == nil && (c.N != len(want) || c.Capped) {
					t.Errorf("%s: counted %+v, want %d", name(f), c, len(want))
				}
				return err
			})
		}
	}
}

// Rows that stay are on exactly one page, in order, while others are added and removed between the pages.
func TestPagesSurviveChangesBetweenThem(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := openStore(t)
	prepare(t, s)
	for _, f := range filters() {
		if f.Scenes != nil && len(f.Scenes) == 0 {
			continue
		}
		table := map[lists.Kind]string{lists.Jobs: "job", lists.DeadLetters: "dead_letter"}[f.Kind]
		run(t, s, `DELETE FROM `+table)
		var stay []row
		var texts []string
		for id := 1; id <= 200; id++ {
			one := randomRow(r, f.Kind, id*2)
			texts = append(texts, one.insert(f.Kind))
			if id%3 > 0 {
				stay = append(stay, one)
			}
		}
		run(t, s, texts...)
		removed, added := 0, 1
		got := walk(t, s, f, 5, func() {
			removed += 3
			run(t, s, fmt.Sprintf(`DELETE FROM %s WHERE scene_id = %d`, table, 2*removed),
				fmt.Sprintf(`DELETE FROM %s WHERE scene_id = %d`, table, added), randomRow(r, f.Kind, added+2).insert(f.Kind))
			added += 2
		})
		got = slices.DeleteFunc(got, func(id int) bool {
			return !slices.ContainsFunc(stay, func(one row) bool { return one.scene == id })
		})
		if want := expected(f, stay); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name(f), got, want)
		}
	}
}

func TestEntryHasTheWholeRow(t *testing.T) {
	s := openStore(t)
	run(t, s, `INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, first_failed_at, last_error_class, last_error, last_reason)
		VALUES (7, 'edited', 1, 11, 2, 3, 44, 33, 'not_found', 'why', '{}')`,
		`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, first_failed_at, class, error, last_reason, candidates, died_at)
		VALUES (8, 'edited', 0, 11, 2, 3, 1, NULL, 'rejected', 'why', '{}', '[1]', 55)`)
	ms := time.UnixMilli
	for kind, want := range map[lists.Kind]lists.Entry{
		lists.Jobs:        {7, "edited", 1, 2, 3, ms(11), ms(33), "not_found", "why", "{}", ms(44), "[]"},
		lists.DeadLetters: {8, "edited", 0, 2, 3, ms(11), time.Time{}, "rejected", "why", "{}", ms(55), "[1]"},
	} {
		view(t, s, func(tx *sqlitefile.Tx) error {
			list, _, err := lists.Page(t.Context(), tx, lists.Filter{Kind: kind, Now: t0}, "", 10)
			if len(list) != 1 || list[0] != want {
				t.Errorf("%+v, want %+v", list, want)
			}
			return err
		})
	}
}

// A cursor is accepted exactly as a page of the same list and order returned it.
func TestBadCursorIsAnError(t *testing.T) {
	s := openStore(t)
	for cursor, ok := range map[string]bool{
		"":                                  true,
		"jobs/time/0/1700/3":                true,
		"jobs/time/0/-5/3":                  true,
		"jobs/time/0/1700/3 ":               false,
		"jobs/time/0/1700/3x":               false,
		"jobs/time/0/+1700/3":               false,
		"jobs/time/0/017/3":                 false,
		"jobs/time/0/1700":                  false,
		"jobs/attempts/0/1/3":               false,
		"dead-letters/time/0/1":             false,
		"jobs/time/0/9223372036854775808/3": false,
		"x":                                 false, "%d": false, "jobs/time/'/1/1": false,
	} {
		view(t, s, func(tx *sqlitefile.Tx) error {
			_, _, err := lists.Page(t.Context(), tx, lists.Filter{Kind: lists.Jobs, Now: t0}, cursor, 10)
			var bad *lists.Error
			if (err == nil) != ok || err != nil && !errors.As(err, &bad) {
				t.Errorf("%q: %v", cursor, err)
			}
			return nil
		})
	}
}

// A recorder records the queries of a transaction.
type recorder struct {
	*sqlitefile.Tx
	queries map[string][]any
}

func (r recorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.queries[query] = args
	return r.Tx.QueryContext(ctx, query, args...)
}

func (r recorder) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.queries[query] = args
	return r.Tx.QueryRowContext(ctx, query, args...)
}

// No query of any list walks through a table or sorts in SQLite.
func TestListsAreReadByIndex(t *testing.T) {
	s := openStore(t)
	prepare(t, s)
	r := rand.New(rand.NewPCG(5, 6))
	for id := 1; id <= 100; id++ {
		run(t, s, randomRow(r, lists.Jobs, id).insert(lists.Jobs), randomRow(r, lists.DeadLetters, id).insert(lists.DeadLetters))
	}
	view(t, s, func(tx *sqlitefile.Tx) error {
		rec := recorder{tx, make(map[string][]any)}
		for _, f := range filters() {
			for cursor, more := "", true; more; more = cursor != "" {
				var err error
				if _, cursor, err = lists.Page(t.Context(), rec, f, cursor, 10); err != nil {
					return err
				}
			}
			if _, err := lists.Count(t.Context(), rec, f); err != nil {
				return err
			}
		}
		if len(rec.queries) < 25 {
			t.Errorf("only %d queries were seen", len(rec.queries))
		}
		for query, args := range rec.queries {
			steps, err := sqlitefile.Collect(t.Context(), tx, func(row sqlitefile.Row) (step string, err error) {
				var id, parent, unused int
				err = row.Scan(&id, &parent, &unused, &step)
				return step, err
			}, "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				return err
			}
			for _, step := range steps {
				scan := strings.HasPrefix(step, "SCAN") && step != "SCAN json_each VIRTUAL TABLE INDEX 1:" && step != "SCAN (subquery-1)"
				whole := strings.Contains(query, "last_error_class = ?") && strings.Contains(step, "job_trial")
				if scan || whole || strings.Contains(step, "TEMP B-TREE") || strings.HasSuffix(step, "(priority=?)") || strings.HasSuffix(step, "class=?)") {
					t.Errorf("%s\nin %s", step, query)
				}
			}
		}
		return nil
	})
}
