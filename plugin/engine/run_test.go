package engine

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestRunPushesAndThenFindsNothingToWrite(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		var all []int
		for id := 1; id <= 120; id++ {
			all = append(all, id)
		}
		l.edit("New", all...)
		l.want(l.run(), Summary{Synced: 120})
		l.wantTitle(120, "New")
		l.plex.Forget()
		l.stash.Forget()
		l.edit("New", all...)
		l.want(l.run(), Summary{Unchanged: 120})
		if n := len(l.plex.Requests()); n > 6+120/20 || l.plex.Count("PUT", "") > 0 {
			l.Errorf("%d requests for 120 unchanged scenes, %d of them writes", n, l.plex.Count("PUT", ""))
		}
		covers := l.covers() // one for each scene that has changed
		if n := len(l.stash.Queries()) - covers; n > 6+120/20 || covers > 120 {
			l.Errorf("%d queries and %d covers for 120 scenes", n, covers)
		}
	})
}

func TestRequestsPerChangedScene(t *testing.T) {
	inLab(t, 100, func(l *lab) {
		l.edit("Warm", 1)
		l.run()
		l.plex.Forget()
		for id := 1; id <= 100; id++ {
			l.edit("New", id)
		}
		l.run()
		if n := len(l.plex.Requests()); n > 6+110 {
			l.Errorf("%d requests for 100 changed scenes", n)
		}
	})
}

func TestFailedJobIsRetriedInTheSameRunOnceItIsDue(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("New", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 429, Header: http.Header{"Retry-After": {"7"}}, Times: 1})
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 1})
		begin := time.Now()
		l.want(l.runWith(Options{Linger: true}), Summary{Synced: 1})
		l.wantTitle(1, "New")
		var puts []time.Duration
		for _, r := range l.plex.Requests() {
			if r.Method == "PUT" {
				puts = append(puts, r.At.Sub(begin))
			}
		}
		if len(puts) != 3 || puts[1]-puts[0] < 7*time.Second || puts[2]-puts[1] < 5*time.Second {
			l.Errorf("writes at %v: want the second 7 s after the first, as Plex asked, and the third after a longer backoff", puts)
		}
	})
}

func TestNoRunWaitsWhileAnotherJobOfStashDoes(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.stash.Hold("Scanning...")
		l.stash.Hold("Generating...")
		l.edit("New", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Times: 1})
		begin := time.Now()
		l.want(l.runWith(Options{Linger: true}), Summary{Retrying: 1})
		if took := time.Since(begin); took > 3*time.Second {
			l.Errorf("the run stayed for %v", took)
		}
	})
}

func TestRunThatOpensTheBreakerWaitsForTheProbe(t *testing.T) {
	inLab(t, 400, func(l *lab) {
		var all []int
		for id := 1; id <= 400; id++ {
			all = append(all, id)
		}
		l.edit("New", all...)
		l.plex.Inject(plextest.Fault{Prefix: "/library/metadata", Status: 502})
		go func() {
			pass(30 * time.Second)
			l.plex.Heal()
		}()
		begin := time.Now()
		sum := l.runWith(Options{Linger: true})
		l.want(sum, Summary{Synced: 400})
		if took := time.Since(begin); took < 60*time.Second || took > 70*time.Second {
			l.Errorf("the run took %v, want it to wait for the probe after 60 s", took)
		}
	})
}

func TestTenAmbiguousScenesDoNotStopAGoodOne(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		for id := 2; id <= 11; id++ {
			l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: path(id), Size: size(id)}}})
			l.plex.AddItem(l.section, "/a/"+path(id)[len("/data/videos/0/"):], size(id))
			l.plex.AddItem(l.section, "/b/"+path(id)[len("/data/videos/0/"):], size(id))
			l.edit("Amb", id)
		}
		l.edit("Good", 1)
		l.want(l.run(), Summary{Synced: 1, Dead: 10})
		l.wantTitle(1, "Good")
		letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{}, 20)
		l.must(err)
		if len(letters) != 10 || !strings.Contains(string(letters[0].Candidates), "/a/") || !strings.Contains(string(letters[0].Candidates), "/b/") {
			l.Errorf("dead letters = %d, candidates %s", len(letters), letters[0].Candidates)
		}
		if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != store.BreakerClosed || b.Failures != 0 {
			l.Errorf("breaker = %+v, %v", b, err)
		}
	})
}

func TestTagsThatFailAfterTheTitleAreCompletedLater(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		old, kept := l.stash.Name("tag", 0, "Old"), l.stash.Name("tag", 0, "Kept")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{old, kept} })
		l.edit("One", 1)
		l.run()
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{kept} })
		l.edit("Two", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Times: 1}) // the removal
		l.want(l.run(), Summary{Retrying: 1})
		pass(10 * time.Second)
		l.want(l.run(), Summary{Synced: 1})
		if it := l.plex.Item(l.keys[1]); it.Title != "Two" || strings.Join(it.Tags["genre"], ",") != "Kept" {
			l.Errorf("item = %+v", it)
		}
	})
}

func TestBadFieldIsLeftOutAndOtherFieldsArrive(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"studio": 400} })
		studio := l.stash.Name("studio", 0, "Bad")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Studio, s.Details = studio, "Details" })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		if it := l.plex.Item(l.keys[1]); it.Title != "New" || it.Summary != "Details" || it.Studio != "" {
			l.Errorf("item = %+v", it)
		}
		l.plex.Forget()
		l.edit("New", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		if l.plex.Count("PUT", "") > 0 {
			l.Error("the refused field is sent again and again")
		}
	})
}

func TestRefusalOfEverythingIsADeadLetter(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"title": 400} })
		l.edit("New", 1)
		l.want(l.run(), Summary{Dead: 1})
		if b, err := l.Store.Breaker(l.Context()); err != nil || b.Failures != 0 {
			l.Errorf("breaker = %+v, %v", b, err)
		}
	})
}

func TestAcceptedWriteThatChangedNothingIsRetried(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"title": true} })
		l.edit("New", 1)
		l.want(l.run(), Summary{Retrying: 1})
		if j := l.job(1); j.ErrorClass != string(retry.ClassTemporary) || !strings.Contains(j.Error, "title") {
			l.Errorf("job = %+v", j)
		}
	})
}

func TestKeyThatBelongsToAnotherFileIsNoticedBeforeWriting(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Frozen = true }) // the index lags behind
		l.edit("One", 1)
		l.run()
		moved := l.keys[1]
		l.plex.Edit(moved, func(it *plextest.Item) { it.Files[0].Path, it.Title = "/data/other.mp4", "Someone else's" })
		l.keys[1] = l.plex.AddItem(l.section, path(1), size(1))
		l.edit("Two", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Two")
		if it := l.plex.Item(moved); it.Title != "Someone else's" {
			l.Errorf("the other file's item was edited: %+v", it)
		}
	})
}

func TestOneReadThatFailsForManyIsRepeatedInHalves(t *testing.T) {
	inLab(t, 8, func(l *lab) {
		l.edit("Warm", 1)
		l.run()
		for id := 1; id <= 8; id++ {
			l.edit("New", id)
		}
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/" + l.keys[3], Status: 500})
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/" + l.keys[1], Status: 500, Times: 3}) // 8, 4, 2
		l.want(l.run(), Summary{Synced: 7, Retrying: 1})
		if j := l.job(3); j.Attempts != 1 {
			l.Errorf("job = %+v", j)
		}
	})
}

func TestUnreadableCandidatesFailOnlyTheirScene(t *testing.T) {
	inLab(t, 5, func(l *lab) {
		l.stash.Add(stashtest.Scene{ID: 9, Files: []stashtest.File{{Path: "/data/amb.mp4", Size: 99}}})
		for _, folder := range []string{"/a", "/b"} {
			key := l.plex.AddItem(l.section, folder+"/amb.mp4", 99)
			l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/" + key, Status: 500})
		}
		l.edit("New", 1, 2, 3, 4, 5, 9)
		l.want(l.run(), Summary{Synced: 5, Retrying: 1})
		if b, err := l.Store.Breaker(l.Context()); err != nil || l.job(9).Attempts != 1 || b.Failures != 0 {
			l.Errorf("job = %+v, breaker %+v, %v", l.job(9), b, err)
		}
	})
}

func TestAnotherServerStopsEverythingUntilItIsAccepted(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("One", 1)
		l.run()
		l.plex.SetMachine("another-machine")
		l.edit("Two", 1)
		sum := l.run()
		if sum.Class != retry.ClassMisconfigured || !strings.Contains(sum.Stopped, "Check connection") || l.job(1).Attempts != 0 {
			l.Errorf("summary = %+v", sum)
		}
		l.must(l.AcceptServer(l.Context()))
		l.want(l.run(), Summary{Synced: 1})
	})
}

func TestMissingLibraries(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.Config.Libraries = []string{"Nowhere"}
		l.edit("New", 1)
		sum := l.run()
		if sum.Class != retry.ClassMisconfigured || !strings.Contains(sum.Stopped, "Nowhere") || !strings.Contains(sum.Stopped, "Videos") {
			l.Errorf("summary = %+v", sum)
		}
		l.Config.Libraries = []string{"Nowhere", "videos"} // one of two: only its scenes wait
		l.plex.Remove(l.keys[2])
		l.edit("New", 2)
		l.want(l.run(), Summary{Synced: 1, Waiting: 1})
		if j := l.job(2); j.Misses != 0 || j.ErrorClass != string(retry.ClassUnready) {
			l.Errorf("job = %+v", j)
		}
	})
}

func TestStopReleasesEveryJob(t *testing.T) {
	inLab(t, 60, func(l *lab) {
		for id := 1; id <= 60; id++ {
			l.edit("New", id)
		}
		l.plex.Inject(plextest.Fault{Method: "PUT", Hang: true})
		ctx, cancel := context.WithCancel(l.Context())
		go func() {
			pass(5 * time.Second)
			cancel()
		}()
		begin := time.Now()
		sum, err := l.Engine.Run(ctx, Options{})
		if err != nil || sum.Class != retry.ClassCancelled || time.Since(begin) > 6*time.Second {
			l.Errorf("Run = %+v, %v after %v", sum, err, time.Since(begin))
		}
		for id := 1; id <= 60; id++ {
			if j := l.job(id); j.Attempts != 0 || j.Unfinished != 0 || j.DueAt.After(begin) {
				l.Errorf("job = %+v", j)
			}
		}
	})
}

func TestLongRunYieldsToOtherJobs(t *testing.T) {
	inLab(t, 200, func(l *lab) {
		for id := 1; id <= 200; id++ {
			l.edit("New", id)
		}
		asked := 0
		l.Ask = func(context.Context) error { asked++; return nil }
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: 5 * time.Second}) // and a pause as long
		begin := time.Now()
		sum := l.run()
		if took := time.Since(begin); asked != 1 || sum.Synced == 0 || sum.Synced >= 200 || took > time.Minute || sum.Class != "" {
			l.Errorf("asked %d times, %+v after %v", asked, sum, took)
		}
	})
}

func TestBatchOfSlowWritesYieldsBetweenWrites(t *testing.T) {
	inLab(t, 50, func(l *lab) {
		for id := 1; id <= 50; id++ {
			l.edit("New", id)
		}
		l.Ask = func(context.Context) error { return nil }
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: 20 * time.Second})
		begin := time.Now()
		sum := l.run()
		if took := time.Since(begin); sum.Synced == 0 || sum.Synced >= 50 || sum.Class != "" || took > 2*time.Minute {
			l.Errorf("%+v after %v, want it to leave after the write that takes so long", sum, took)
		}
		done := sum.Synced
		for id := done + 1; id <= 50; id++ {
			if j := l.job(id); j.Attempts != 0 || j.Unfinished != 0 || j.DueAt.After(begin) {
				l.Errorf("job = %+v, want it as it was", j)
			}
		}
		l.plex.Heal()
		l.want(l.run(), Summary{Synced: 50 - done})
	})
}

func TestSlowWritesAreFollowedByAPause(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("New", 1, 2)
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: 2 * time.Second})
		l.run()
		var puts []time.Time
		for _, r := range l.plex.Requests() {
			if r.Method == "PUT" {
				puts = append(puts, r.At)
			}
		}
		if gap := puts[1].Sub(puts[0]); gap < 4*time.Second {
			l.Errorf("the second write begins %v after the first, want as long a pause as it took", gap)
		}
	})
}

func TestTwoScenesInOneItemDoNotOverwriteEachOther(t *testing.T) {
	for _, together := range []bool{true, false} {
		inLab(t, 1, func(l *lab) {
			l.stash.Add(stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/data/cd2.mp4", Size: 77}}})
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files = append(it.Files, plextest.File{Path: "/data/cd2.mp4", Size: 77}) })
			l.edit("One", 1)
			if !together {
				l.run()
			}
			l.edit("Two", 2)
			sum := l.run()
			if sum.Skipped != 1 {
				l.Errorf("together %v: %+v", together, sum)
			}
			l.wantTitle(1, "One")
			for range 3 {
				l.edit("Two", 2)
				l.edit("One", 1)
				l.want(l.run(), Summary{Unchanged: 1, Skipped: 1})
			}
		})
	}
}

func TestFileInTwoLibrariesIsPushedToBoth(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.keys[2] = l.plex.AddItem(l.plex.AddSection("Also here", "movie"), path(1), size(1))
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "One")
		l.wantTitle(2, "One")
		l.edit("One", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		l.plex.Remove(l.keys[2])
		l.edit("Two", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Two")
	})
}

func TestSceneWithoutDataIsNotAwaited(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Remove(l.keys[1])
		l.edit("", 1)
		l.want(l.run(), Summary{Skipped: 1})
	})
}

func TestStopDuringImportOfTheInboxIsNoFailure(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		hook := store.HookRecord{Own: store.Request{SceneID: 1, Reason: "edit"}}
		l.must(store.LeaveInInbox(l.Store.Dir(), time.Now(), hook))
		ctx, stop := context.WithCancel(l.Context())
		stop()
		if err := l.newRun(Options{}, false).takeIn(ctx); err == nil || strings.Contains(l.log.String(), "\x01e") {
			t.Errorf("a run that was stopped: %v, log %q", err, l.log)
		}
		if n, err := l.Store.TakeInbox(l.Context(), time.Now()); n != 1 || err != nil {
			t.Errorf("the next run takes in %d, %v", n, err)
		}
	})
}
