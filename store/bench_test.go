package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// queueOf returns a store with n jobs that are due at a time.
func queueOf(b *testing.B, n int, at time.Time) *Store {
	b.Helper()
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "data"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	requests := make([]Request, n)
	for i := range requests {
		requests[i] = Request{SceneID: i + 1000, Reason: "bench", Priority: InBulk}
	}
	if err := s.Enqueue(b.Context(), at, requests); err != nil {
		b.Fatal(err)
	}
	if err := s.Checkpoint(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkGrowth runs operations on queues of three lengths in turns. The metric x is the time with 1,000,000 jobs
// divided by the time with 1,000, or with 100,000 for a status, which counts to 10,000.
func BenchmarkGrowth(b *testing.B) {
	must := func(b *testing.B, err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, due := range []bool{false, true} {
		at := t0
		if !due {
			at = t0.Add(LongestWait - time.Second)
		}
		queues := [...]*Store{queueOf(b, 1_000, at), queueOf(b, 100_000, at), queueOf(b, 1_000_000, at)}
		mine := []Request{{SceneID: 1, Reason: "edit", Priority: ByPerson}}
		var jobs [len(queues)][]Job
		for _, op := range []struct {
			name      string
			run, undo func(b *testing.B, i int, s *Store)
		}{
			{"enqueue", func(b *testing.B, _ int, s *Store) { must(b, s.Enqueue(b.Context(), t0, mine)) }, nil},
			{"claim", func(b *testing.B, i int, s *Store) {
				var err error
				jobs[i], _, err = s.Claim(b.Context(), t0, ClaimOptions{Wait: fiveSeconds})
				must(b, err)
			}, func(b *testing.B, _ int, s *Store) { must(b, s.Enqueue(b.Context(), t0, mine)) }},
			{"complete", func(b *testing.B, i int, s *Store) {
				_, err := s.Complete(b.Context(), t0, []Completion{{Job: jobs[i][0], Outcome: Done}})
				must(b, err)
			}, func(b *testing.B, i int, s *Store) {
				var err error
				must(b, s.Enqueue(b.Context(), t0, mine))
				jobs[i], _, err = s.Claim(b.Context(), t0, ClaimOptions{Wait: fiveSeconds})
				must(b, err)
			}},
			{"status", func(b *testing.B, _ int, s *Store) {
				_, err := s.Counts(b.Context(), t0)
				must(b, err)
			}, nil},
		} {
			b.Run(fmt.Sprintf("%s/due=%v", op.name, due), func(b *testing.B) {
				least := 0
				if op.name == "status" { // it counts up to a limit, which is the same work from there on
					least = 1
				}
				inTurns(b, queues, least, op.run, op.undo)
			})
		}
	}
}

// inTurns measures an operation on queues of 1,000, 100,000 and 1,000,000 jobs in turns; undo goes before it. The
// metric x is the time for the longest queue divided by the time for queues[least].
func inTurns(b *testing.B, queues [3]*Store, least int, run, undo func(*testing.B, int, *Store)) {
	b.Helper()
	var took [len(queues)]time.Duration
	turn := func() {
		for i, s := range queues {
			if undo != nil {
				undo(b, i, s)
			}
			begin := time.Now()
			run(b, i, s)
			took[i] += time.Since(begin)
		}
	}
	turn()
	took = [len(queues)]time.Duration{}
	for b.Loop() {
		turn()
	}
	if least > 0 {
		b.ReportMetric(float64(took[least])/float64(took[0]), "x-to-limit")
	}
	b.ReportMetric(float64(took[len(took)-1])/float64(took[least]), "x")
	b.ReportMetric(1.3, "goal")
}

// BenchmarkFinishedSyncs runs a scene from its hook to its completion, after a thousand and after many finished scenes.
// The metric x is the quotient of the two times.
func BenchmarkFinishedSyncs(b *testing.B) {
	prepared := func(finished int) *Store {
		s := queueOf(b, 0, t0)
		for done := 0; done < finished; done += 1000 {
			scenes := make([]int, 1000)
			for i := range scenes {
				scenes[i] = done + i + 1
			}
			syncScenes(b, s, t0.Add(time.Duration(done)*time.Millisecond), scenes...)
		}
		return s
	}
	few, many := prepared(1000), prepared(100_000)
	var before, after time.Duration
	i := 0
	for b.Loop() {
		i++
		now := t0.Add(time.Hour + time.Duration(i)*time.Minute)
		begin := time.Now()
		syncScenes(b, few, now, i)
		before += time.Since(begin)
		begin = time.Now()
		syncScenes(b, many, now, i)
		after += time.Since(begin)
	}
	b.ReportMetric(float64(after)/float64(before), "x")
	b.ReportMetric(1.3, "goal")
}
