package store

import (
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
)

func TestRevisionGrowsWithEachChange(t *testing.T) {
	s := openStore(t)
	ctx := t.Context()
	revision := func() int {
		t.Helper()
		text, _, err := s.Meta(ctx, KeyRevision)
		n, convErr := strconv.Atoi("0" + text)
		if err != nil || convErr != nil {
			t.Fatal(err, convErr)
		}
		return n
	}
	var jobs []Job
	for _, step := range []struct {
		name  string
		do    func() error
		grows int
	}{
		{"a hook", func() error {
			_, err := s.RecordHook(ctx, t0, HookRecord{Own: Request{SceneID: 1, Reason: "edit"}})
			return err
		}, 1},
		{"a claim", func() (err error) {
			jobs, _, err = s.Claim(ctx, t0, ClaimOptions{Wait: fiveSeconds})
			return err
		}, 1},
		{"a claim of nothing", func() error {
			_, _, err := s.Claim(ctx, t0, ClaimOptions{Wait: fiveSeconds})
			return err
		}, 0},
		{"a completion", func() error {
			_, err := s.Complete(ctx, t0, []Completion{{Job: jobs[0], Outcome: Done, Note: "synced"}})
			return err
		}, 1},
		{"a completion that comes too late", func() error {
			_, err := s.Complete(ctx, t0, []Completion{{Job: Job{SceneID: 7, Claim: 99}, Outcome: Drop}})
			return err
		}, 0},
		{"a value", func() error { return s.SetMeta(ctx, t0, "x", "y") }, 1},
		{"the end of a mark", func() error { return s.ClearMark(ctx) }, 1},
		{"the end of no mark", func() error { return s.ClearMark(ctx) }, 0},
		{"a breaker that stays", func() error {
			_, _, err := s.UpdateBreaker(ctx, t0, func(b Breaker) Breaker { return b })
			return err
		}, 0},
		{"a failure", func() error {
			_, _, err := s.UpdateBreaker(ctx, t0, func(b Breaker) Breaker { b.Failures++; return b })
			return err
		}, 1},
		{"no dead letter to revive", func() error {
			_, err := s.Revive(ctx, t0, Narrow{})
			return err
		}, 0},
		{"reading", func() error {
			_, err := s.Counts(ctx, t0)
			if err == nil {
				_, err = relink.HasLinks(ctx, s)
			}
			if err == nil {
				_, err = s.LastLook(ctx, t0.Add(time.Hour), 0)
			}
			return err
		}, 0},
	} {
		before := revision()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if after := revision(); after-before != step.grows {
			t.Errorf("%s: revision %d after %d", step.name, after, before)
		}
	}
}
