package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// Claiming one due job costs the same however many others wait or are due.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		for _, due := range []bool{false, true} {
			b.Run(fmt.Sprintf("jobs=%d/due=%v", n, due), func(b *testing.B) {
				s, err := Open(b.Context(), filepath.Join(b.TempDir(), "data"))
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				at := t0
				if !due {
					at = t0.Add(LongestWait - time.Second)
				}
				var requests []Request
				for i := range n {
					requests = append(requests, Request{SceneID: i + 10, Reason: "bench", Priority: InBulk})
				}
				if err := s.Enqueue(b.Context(), at, requests); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := s.Enqueue(b.Context(), t0, []Request{{SceneID: 1, Priority: ByPerson}}); err != nil {
						b.Fatal(err)
					}
					jobs, _, err := s.Claim(b.Context(), t0, ClaimOptions{Wait: fiveSeconds})
					if err != nil || len(jobs) != 1 || jobs[0].SceneID != 1 {
						b.Fatalf("claimed %v, %v", jobs, err)
					}
					if _, err := s.End(b.Context(), t0, []Ending{{Job: jobs[0], Outcome: Done}}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A scene's way from its hook to its ending, after no and after many finished ones. The metric x is how often
// the one takes as long as the other.
func BenchmarkFinishedSyncs(b *testing.B) {
	prepared := func(finished int) *Store {
		s, err := Open(b.Context(), filepath.Join(b.TempDir(), "data"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		for done := 0; done < finished; done += 5000 {
			scenes := make([]int, 5000)
			for i := range scenes {
				scenes[i] = done + i + 1
			}
			syncScenes(b, s, t0.Add(time.Duration(done)*time.Millisecond), scenes...)
		}
		return s
	}
	empty, full := prepared(0), prepared(200_000)
	var before, after time.Duration
	i := 0
	for b.Loop() {
		i++
		now := t0.Add(time.Hour + time.Duration(i)*time.Minute)
		begin := time.Now()
		syncScenes(b, empty, now, i)
		before += time.Since(begin)
		begin = time.Now()
		syncScenes(b, full, now, i)
		after += time.Since(begin)
	}
	b.ReportMetric(float64(after)/float64(before), "x")
}
