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
