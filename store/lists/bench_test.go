package lists_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// listsOf returns a queue with n jobs and n dead letters. Half of the jobs became due at the same time and have not
// failed; half of the others is of another class.
func listsOf(b *testing.B, n int) *store.Store {
	b.Helper()
	s := openStore(b)
	prepare(b, s)
	numbers := fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, n)
	run(b, s, numbers+fmt.Sprintf(`INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, last_error_class, last_error)
		SELECT i, 'edited', 1, 1, (i / 2) %% 5 * (i %% 2), 0, %d + i %% 2 * (i * 599 %% 600000), IIF(i %% 2, IIF(i %% 4 = 1, 'temporary', 'not_found'), NULL), IIF(i %% 2, 'why', NULL) FROM n`, t0.UnixMilli()),
		numbers+`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at)
		SELECT 2000000 + i, 'edited', 1, 1, i % 7, 0, 0, IIF(i % 4, 'not_found', 'rejected'), 'why', i * 37 % 1000000 FROM n`)
	return s
}

// BenchmarkPage reads a page in the middle of every list, of a queue with 1,000 and one with 1,000,000 rows in turns.
// The metric x is the median time for the longer queue divided by that for the shorter. Pages are short, so that each part
// of a list is long enough to fill one even in the shorter queue.
func BenchmarkPage(b *testing.B) {
	queues := [...]*store.Store{listsOf(b, 1000), listsOf(b, 1_000_000)}
	for _, f := range filters() {
		if f.Scenes != nil || f.Class == "none" {
			continue
		}
		f.Now = t0.Add(5 * time.Minute)
		b.Run(fmt.Sprintf("%s/state=%s/class=%s/attempts=%v", f.Kind, f.State, f.Class, f.Attempts), func(b *testing.B) {
			var cursors [len(queues)]string
			var took [len(queues)][]time.Duration
			page := func(i int) int {
				var list []lists.Entry
				view(b, queues[i], func(tx *sqlitefile.Tx) (err error) {
					begin := time.Now()
					list, _, err = lists.Page(b.Context(), tx, f, cursors[i], 10)
					took[i] = append(took[i], time.Since(begin))
					return err
				})
				return len(list)
			}
			for i, s := range queues {
				view(b, s, func(tx *sqlitefile.Tx) error {
					c, err := lists.Count(b.Context(), tx, f)
					if err == nil {
						_, cursors[i], err = lists.IDs(b.Context(), tx, f, "", c.N/2+1)
					}
					return err
				})
				page(i)
			}
			if a, z := page(0), page(1); z != a || a != 0 && a != 10 {
				b.Fatalf("%d and %d rows", a, z)
			}
			took = [len(queues)][]time.Duration{}
			for b.Loop() {
				page(0)
				page(1)
			}
			for i := range took {
				slices.Sort(took[i])
			}
			short, long := took[0][len(took[0])/2], took[1][len(took[1])/2]
			b.ReportMetric(float64(long)/float64(short), "x")
			b.ReportMetric(1.3, "goal")
			b.ReportMetric(float64(long.Microseconds()), "µs/page")
		})
	}
}
