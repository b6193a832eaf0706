package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/scans"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// addHidden adds a scene to Stash with a file that Plex finds only by a scan.
func (l *lab) addHidden(id int, path string) {
	l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: path, Size: size(id)}}})
	l.plex.AddHidden(l.section, path, size(id))
}

// wantScans wants exactly these folders to have been scanned.
func (l *lab) wantScans(folders ...string) {
	l.Helper()
	var got []string
	for _, s := range l.plex.Scans() {
		got = append(got, s.Path)
	}
	if !slices.Equal(got, folders) {
		l.Errorf("scanned %q, want %q", got, folders)
	}
}

func TestMissingFileIsScannedForAndArrives(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.ScanPlex = true
		l.addHidden(2, "/data/new/a/clip.mp4")
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 1, Waiting: 1})
		l.wantScans("/data/new/a")
		if j := l.job(2); j.Misses != 1 {
			l.Errorf("job = %+v", j)
		}
		l.want(l.run(), Summary{Synced: 1})
		l.wantScans("/data/new/a")
	})
}

func TestEveryLibraryOverAFolderIsScanned(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.Config.ScanPlex = true
		other := l.plex.AddSection("Others", "movie")
		l.addHidden(1, "/data/new/clip.mp4")
		l.plex.AddHidden(other, "/data/new/clip.mp4", size(1))
		l.edit("New", 1)
		l.want(l.run(), Summary{Waiting: 1})
		l.wantScans("/data/new", "/data/new")
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Edit(l.plex.KeyOf("/data/new/clip.mp4"), func(it *plextest.Item) { // the first of two
			if it.Title != "New" {
				l.Errorf("item = %+v", it)
			}
			it.Files = nil
		})
		second := l.plex.KeyOf("/data/new/clip.mp4")
		if it := l.plex.Item(second); it.Title != "New" || it.Section != other {
			l.Errorf("item = %+v", it)
		}
	})
}

func TestRunThatLingersPushesWhatItsScanFound(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.Config.ScanPlex = true
		l.addHidden(1, "/data/new/clip.mp4")
		l.edit("New", 1)
		l.want(l.runWith(Options{Linger: true}), Summary{Synced: 1})
	})
}

func TestFolderIsScannedOnceInARun(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.Config.ScanPlex = true
		for id := 1; id <= 60; id++ { // more than a batch, and more folders than a run asks for
			l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: fmt.Sprintf("/data/%02d/%d.mp4", id/2, id), Size: 7}}})
			l.edit("New", id)
		}
		l.want(l.run(), Summary{Waiting: 60})
		var want []string
		for i := range scans.AtMost {
			want = append(want, fmt.Sprintf("/data/%02d", i))
		}
		l.wantScans(want...)
		pass(time.Minute)
		l.run()
		if n := len(l.plex.Scans()); n != 2*scans.AtMost {
			l.Errorf("%d scans in two runs", n)
		}
	})
}

func TestNothingIsScanned(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(l *lab)
		want  Summary
	}{
		{"if the setting is off", func(l *lab) { l.Config.ScanPlex = false }, Summary{Waiting: 1}},
		{"if missing scenes are skipped", func(l *lab) { l.Config.SkipMissing = true }, Summary{Skipped: 1}},
		{"while the library is scanned already", func(l *lab) { l.plex.Configure(func(o *plextest.Options) { o.Scanning = true }) }, Summary{Waiting: 1}},
		{"outside of the libraries", func(l *lab) {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = "/elsewhere/clip.mp4" })
		}, Summary{Waiting: 1}},
		{"if a library may hold it unseen", func(l *lab) { l.Config.Libraries = []string{"Videos", "Attic"} }, Summary{Waiting: 1}},
		{"if it is ambiguous", func(l *lab) {
			l.plex.AddItem(l.section, "/a/clip.mp4", size(1))
			l.plex.AddItem(l.section, "/b/clip.mp4", size(1))
		}, Summary{Dead: 1}},
		{"if it is there", func(l *lab) { l.plex.AddItem(l.section, "/data/new/clip.mp4", size(1)) }, Summary{Synced: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 0, func(l *lab) {
				l.Config.ScanPlex = true
				l.stash.Add(stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/data/new/clip.mp4", Size: size(1)}}})
				c.setup(l)
				l.edit("New", 1)
				l.want(l.run(), c.want)
				l.wantScans()
			})
		})
	}
}

func TestPreviewAndInlineRunScanNothing(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.Config.ScanPlex = true
		l.addHidden(1, "/data/new/clip.mp4")
		_, err := l.RefreshIndex(l.Context())
		l.must(err)
		l.edit("New", 1)
		p, err := l.Preview(l.Context(), 1)
		if err != nil || p.NotFound != 1 {
			l.Errorf("preview = %+v, %v", p, err)
		}
		l.runWith(Options{Only: 1})
		l.wantScans()
		l.want(l.runWith(Options{Only: 1, Listing: true}), Summary{Waiting: 1})
		l.wantScans("/data/new")
	})
}

func TestScanThatFailsChangesNoJob(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  plextest.Fault
		folder int // of how many folders a scan is asked for
	}{
		{"Plex fails", plextest.Fault{Status: 500}, 5},
		{"Plex does not answer", plextest.Fault{Hang: true}, 1},
		{"Plex refuses", plextest.Fault{Status: 400}, 7},
		{"a firewall refuses one folder", plextest.Fault{Status: 403, Front: true, Match: func(r plextest.Request) bool { return strings.Contains(r.Query, "new2") }}, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.Config.ScanPlex = true
				for id := 2; id <= 8; id++ {
					l.addHidden(id, fmt.Sprintf("/data/new%d/clip.mp4", id))
				}
				c.fault.Prefix = "/library/sections/" + l.section + "/refresh"
				l.plex.Inject(c.fault)
				l.edit("New", 1, 2, 3, 4, 5, 6, 7, 8)
				l.want(l.run(), Summary{Synced: 1, Waiting: 7})
				if n := l.plex.Count("GET", c.fault.Prefix); n != c.folder {
					l.Errorf("%d requests for scans, want %d", n, c.folder)
				}
				b, err := l.Store.Breaker(l.Context())
				if j := l.job(2); err != nil || j.Misses != 1 || j.Attempts != 0 || b.Failures != 0 {
					l.Errorf("job = %+v, breaker = %+v, %v", j, b, err)
				}
				warnings := c.folder
				if c.fault.Match != nil {
					warnings = 1
				}
				if n := strings.Count(l.log.String(), "could not request a scan"); n != warnings {
					l.Errorf("said %d times, want %d", n, warnings)
				}
			})
		})
	}
}

func TestNothingIsScannedForWhatTheIndexMayNotKnowYet(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.ScanPlex = true
		l.edit("Warm", 1)
		l.run()
		l.stash.Add(stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/data/new/clip.mp4", Size: size(2)}}})
		l.keys[2] = l.plex.AddItem(l.section, "/data/new/clip.mp4", size(2))
		l.edit("New", 2)
		l.plex.Inject(plextest.Fault{Prefix: "/library/sections/" + l.section + "/all", Status: 503})
		l.want(l.run(), Summary{})
		l.wantScans()
		l.plex.Heal()
		l.want(l.run(), Summary{Synced: 1})
		l.wantScans()
	})
}

func TestMissingSceneIsSkippedOnceEverythingIsRead(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.SkipMissing = true
		l.Config.Libraries = []string{"Videos", "Attic"} // which is not there
		l.addHidden(2, "/data/new/clip.mp4")
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 1, Waiting: 1})
		if j := l.job(2); j.ErrorClass != string(retry.ClassUnready) {
			l.Errorf("job = %+v", j)
		}
		l.Config.Libraries = nil
		pass(time.Minute)
		l.want(l.run(), Summary{Skipped: 1})
		if _, err := l.Store.Job(l.Context(), 2); !errors.Is(err, store.ErrNone) {
			l.Errorf("the job is still there: %v", err)
		}
		list, err := l.Store.Attempts(l.Context(), 2)
		if err != nil || len(list) == 0 || !strings.Contains(list[0].Error, "skipMissing") {
			l.Errorf("attempts = %+v, %v", list, err)
		}
	})
}

func TestMissingSceneIsSkippedOnlyAfterARefresh(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.SkipMissing = true
		l.edit("Warm", 1)
		l.run()
		l.stash.Add(stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/data/new/clip.mp4", Size: 7}}})
		l.keys[2] = l.plex.AddItem(l.section, "/data/new/clip.mp4", 7)
		l.edit("New", 2)
		l.want(l.runWith(Options{Only: 2}), Summary{}) // it may not look at Plex's libraries
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "New")
	})
}

func TestFurtherFileIsNotAwaitedIfMissingScenesAreSkipped(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.SkipMissing = true
		l.stash.Change(1, func(s *stashtest.Scene) {
			s.Files = append(s.Files, stashtest.File{Path: "/data/second.mp4", Size: 77})
		})
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		if waits, err := l.Store.HasAwaitedFiles(l.Context()); err != nil || waits {
			l.Errorf("something is wanted: %v, %v", waits, err)
		}
	})
}

func TestFurtherFileIsAwaitedUntilEverythingIsReadEvenIfMissingScenesAreSkipped(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.SkipMissing = true
		l.Config.Libraries = []string{"Videos", "Attic"} // which Plex does not list yet
		second := stashtest.File{Path: "/attic/second.mp4", Size: 77}
		l.stash.Change(1, func(s *stashtest.Scene) { s.Files = append(s.Files, second) })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		key := l.plex.AddItem(l.plex.AddSection("Attic", "movie"), second.Path, second.Size)
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(key).Title; got != "New" {
			t.Errorf("Plex shows %q for the further file", got)
		}
		if waits, err := l.Store.HasAwaitedFiles(l.Context()); err != nil || waits {
			l.Errorf("something is wanted: %v, %v", waits, err)
		}
	})
}
