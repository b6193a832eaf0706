package engine

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// lost lets the next upload reach Plex but drops its answer.
func (l *lab) lost() {
	l.plex.Inject(plextest.Fault{Method: "POST", Status: 503, After: true, Times: 1})
}

func TestUploadWithLostAnswerIsRestored(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			before := l.plex.Item(l.keys[1]).Poster().Key
			if earlier {
				l.covered(1, jpeg("zero"))
				l.want(l.run(), Summary{Synced: 1})
			}
			l.covered(1, jpeg("one"))
			l.lost()
			l.want(l.run(), Summary{Retrying: 1})
			pass(time.Second)
			r := l.restore(1)
			if it := l.plex.Item(l.keys[1]); it.Poster().Key != before || r.Restored != 1 || len(r.Kept) != 0 {
				t.Errorf("an upload before it %v: poster %s, want %s: %+v", earlier, it.Poster().Key, before, r)
			}
		})
	}
}

func TestCoverWithRefusedLockIsRestored(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("one"))
		l.stash.Change(1, titled("clip1"))
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 400, Times: 1})
		pass(3 * time.Second)
		l.run()
		if r := l.restore(1); l.poster(1) != "" {
			t.Errorf("our poster stays: %+v", r)
		}
	})
}

func TestUploadWithLostAnswerIsNotAPersonsEdit(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.Config.KeepPlexEdits = true
			if earlier {
				l.covered(1, jpeg("zero"))
				l.want(l.run(), Summary{Synced: 1})
			}
			l.covered(1, jpeg("one"))
			l.plex.Configure(func(o *plextest.Options) { o.LocksOnUpload = true })
			l.lost()
			l.want(l.run(), Summary{Retrying: 1})
			pass(time.Minute)
			l.run()
			l.covered(1, jpeg("two"))
			if l.run(); l.poster(1) != string(jpeg("two")) {
				t.Errorf("an upload before it %v: poster %q", earlier, l.poster(1))
			}
		})
	}
}

func TestCoverThatReturnsAfterALostUploadIsShown(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Synced: 1})
		l.covered(1, jpeg("two"))
		l.lost()
		l.want(l.run(), Summary{Retrying: 1})
		l.covered(1, jpeg("one"))
		pass(time.Minute)
		if l.run(); l.poster(1) != string(jpeg("one")) {
			t.Errorf("poster = %q", l.poster(1))
		}
	})
}

func TestPictureThatIsNotSelectedAgainIsTriedByTheNextRestore(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"thumb": true} })
		if r := l.restore(1); r.Failed != 1 || r.Restored != 0 {
			t.Errorf("while Plex does nothing: %+v", r)
		}
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
		if r := l.restore(1); l.poster(1) != "" || r.Restored != 1 {
			t.Errorf("poster %q: %+v", l.poster(1), r)
		}
	})
}

func TestFieldThatPlexRefusesToRestoreDoesNotBlockOthers(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.furnish(1)
		l.dressed(1)
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"originallyAvailableAt": 500} })
		r := l.restore(1)
		if got := l.plex.Item(l.keys[1]); got.Title != "Plex title" || r.Failed != 1 {
			t.Errorf("title = %q: %+v", got.Title, r)
		}
	})
}

// What cannot be restored must not cause the next catch-up to push everything else again.
func TestRestoreEndsAlthoughAPictureCannotBeRestored(t *testing.T) {
	for name, pictures := range map[string]func(*plextest.Item){
		"nothing was selected before": func(it *plextest.Item) { it.Posters = []plextest.Picture{{Key: "default://none"}} },
		"it is not on offer any more": nil,
	} {
		inLab(t, 1, func(l *lab) {
			l.run()
			if pictures != nil {
				l.plex.Edit(l.keys[1], pictures)
			}
			l.covered(1, jpeg("one"))
			l.want(l.run(), Summary{Synced: 1})
			if pictures == nil {
				l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Posters[0].Key = "metadata://new" })
			}
			if r := l.restore(1); r.Failed != 0 || len(r.Kept) != 1 || !slices.Equal(r.Kept[0].Fields, []string{"poster"}) {
				t.Errorf("%s: %+v", name, r)
			}
			pass(25 * time.Hour)
			l.stash.Change(1, titled("Autotagged"))
			l.run()
			l.wantTitle(1, "clip1")
		})
	}
}

func TestRestoredSceneThatHadNoLinkYetStaysRestored(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.run()
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"studio": true} })
		l.dressed(1)
		l.edit("T", 1)
		l.want(l.run(), Summary{Retrying: 1})
		pass(time.Second)
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
		l.restore(1)
		l.wantTitle(1, "clip1")
		pass(25 * time.Hour)
		l.stash.Change(1, titled("Autotagged"))
		l.run()
		l.wantTitle(1, "clip1")
	})
}

func TestRestoredSceneStaysRestoredWithoutOneOfItsItems(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.run()
		who := l.stash.Name("performer", 0, "Jane")
		l.stash.Change(1, func(s *stashtest.Scene) {
			s.Files = append(s.Files, stashtest.File{Path: path(2), Size: size(2)})
			s.Performers = []int{who}
		})
		l.stash.Drop(2)
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "T")
		l.plex.Remove(l.keys[2])
		pass(time.Minute)
		if r := l.restore(0); r.Restored != 1 || r.Gone != 1 {
			t.Errorf("restore = %+v", r)
		}
		l.stash.Name("performer", who, "Joan")
		l.changed("performer", who)
		l.run()
		l.wantTitle(1, "clip1")
	})
}

// A proxy that cannot carry one request answers as if Plex were gone.
func TestRequestThatFailsForOneSceneDoesNotBlockOthers(t *testing.T) {
	for _, method := range []string{"POST", "PUT"} {
		inLab(t, 3, func(l *lab) {
			l.run()
			for id := 1; id <= 3; id++ {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = jpeg("one") })
			}
			l.edit("T", 1, 2, 3)
			pass(3 * time.Second)
			fault := plextest.Fault{Method: method, Prefix: "/library/metadata/" + l.keys[1], Status: 504}
			if method == "PUT" { // the first of the batch
				fault = plextest.Fault{Method: method, Status: 504, Times: 1}
			}
			l.plex.Inject(fault)
			sum := l.run()
			if sum.Synced != 2 || sum.Retrying != 1 || sum.Stopped != "" {
				t.Errorf("%s: %+v", method, sum)
			}
			if j := l.job(1); j.Attempts != 1 || !strings.Contains(j.Error, "only this scene fails") {
				t.Errorf("%s: %+v", method, j)
			}
		})
	}
}

func TestOneCoverIsInMemoryAtATime(t *testing.T) {
	inLab(t, 20, func(l *lab) {
		l.must(second(l.RefreshIndex(l.Context())))
		big := make([]byte, 9_000_000)
		copy(big, jpeg("x"))
		ids := make([]int, 20)
		for i := range ids {
			ids[i] = i + 1
			l.stash.Change(ids[i], func(s *stashtest.Scene) { s.Cover = big })
		}
		r := l.newRun(Options{}, true)
		l.must(r.reach(l.Context()))
		before := heap()
		pushes, err := r.pushes.DryRun(l.Context(), ids)
		l.must(err)
		if held := heap() - before; held > int64(2*len(big)) {
			t.Errorf("%d pushes hold %d bytes, want no covers", len(pushes), held)
		}
		for _, p := range pushes {
			if err := p.Failure(); err != nil {
				t.Errorf("scene %d: %v", p.Job.SceneID, err)
			}
		}
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
