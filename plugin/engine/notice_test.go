package engine

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// logged counts the lines of the log at a level (i, w, e or d) that contain a text.
func (l *lab) logged(level, text string) (n int) {
	for line := range strings.Lines(l.log.String()) {
		if strings.HasPrefix(line, "\x01"+level+"\x02") && strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func TestSceneThatIsLookedAtTwiceIsCountedAndLoggedOnce(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.plex.Remove(l.keys[1])
		l.edit("Lost", 1)
		l.edit("Found", 2)
		l.want(l.runWith(Options{Linger: true}), Summary{Synced: 1, Waiting: 1})
		if looks, lines := l.job(1).Misses, l.logged("i", "scene=1 title=Lost"); looks < 2 || lines != 1 {
			l.Errorf("%d looks and %d lines, want several and one", looks, lines)
		}
		pass(time.Hour)
		l.want(l.run(), Summary{Waiting: 1, Unchanged: 1}) // the catch-up compares scene 2 again
		if lines := l.logged("i", "scene=1 title=Lost"); lines != 1 {
			l.Errorf("%d lines after the next run, want one", lines)
		}
		l.edit("Lost again", 1)
		l.run()
		if lines := l.logged("i", `title="Lost again"`); lines != 1 {
			l.Errorf("%d lines after an edit, want one", lines)
		}
	})
}

func TestSceneWhoseReasonChangesIsLoggedAgain(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("New", 1)
		for _, status := range []int{500, 500, 429} {
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: status, Times: 1})
			l.run()
			pass(time.Hour)
		}
		if n, other := l.logged("w", "answered 500"), l.logged("w", "answered 429"); n != 1 || other != 1 {
			l.Errorf("%d and %d lines about two reasons, want one each", n, other)
		}
	})
}

func TestManyMissingScenesTakeFewLines(t *testing.T) {
	inLab(t, 60, func(l *lab) {
		for id := 1; id <= 60; id++ {
			l.plex.Remove(l.keys[id])
			l.edit("Lost", id)
		}
		l.want(l.run(), Summary{Waiting: 60})
		if n, more := l.logged("i", "title=Lost"), l.logged("i", `run "Queue status" for a list`); n != 20 || more != 1 {
			l.Errorf("%d lines about scenes and %d about the others, want 20 and one", n, more)
		}
	})
}

func TestSkippedScenesTakeOneLineForEachReason(t *testing.T) {
	inLab(t, 40, func(l *lab) {
		l.Config.Filter.OnlyOrganized = true
		tag := l.stash.Name("tag", 0, "Private")
		l.Config.Filter.ExcludeTags = []string{"Private"}
		for id := 1; id <= 40; id++ {
			if id > 35 {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Organized = true })
			}
			if id == 36 {
				l.stash.Change(id, tagged(tag))
			}
			l.edit(map[bool]string{true: fmt.Sprint("Scene ", id)}[id < 37], id)
		}
		sum := l.run()
		l.want(sum, Summary{Skipped: 40})
		if sum.Bare != 4 {
			l.Errorf("%d scenes without data, want 4", sum.Bare)
		}
		for _, want := range []string{
			`skipped 35 scenes ("Scene 1", "Scene 2", "Scene 3" and 32 more): they are not organised, and "Only organised scenes" (onlyOrganized) is on`,
			`skipped: its tag "Private" is excluded by "Exclude tags" (excludeTags)`,
		} {
			if n := l.logged("i", want); n != 1 {
				l.Errorf("%d lines %q, want one", n, want)
			}
		}
		if n := l.logged("i", "skipped"); n != 2 {
			l.Errorf("%d lines about skipped scenes, want two", n)
		}
		if n := l.logged("d", "no title or other data"); n != 4 {
			l.Errorf("%d lines at debug level about scenes without data, want four", n)
		}
	})
}

func TestRunReportsBeforeItWaits(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.plex.Remove(l.keys[1])
		l.edit("Lost", 1)
		l.edit("Found", 2)
		var reports []Summary
		began := time.Now()
		l.runWith(Options{Linger: true, Lists: true, Settled: func(_ context.Context, sum Summary) {
			reports = append(reports, sum)
			if took := time.Since(began); took > time.Second || l.logged("i", "title=Lost") > 0 {
				l.Errorf("the report came after %v, with %d lines about the scene", took, l.logged("i", "title=Lost"))
			}
		}})
		if len(reports) != 1 || time.Since(began) < time.Minute {
			l.Fatalf("%d reports, want one; the run took %v", len(reports), time.Since(began))
		}
		l.want(reports[0], Summary{Synced: 1, Waiting: 1})
		l.edit("Found again", 2)
		l.runWith(Options{Settled: func(context.Context, Summary) { l.Error("a run that does not wait reports") }})
	})
}

func TestPreviewCountsAmbiguousAndUnreadScenesApart(t *testing.T) {
	inLab(t, 4, func(l *lab) {
		for id := 1; id <= 3; id++ {
			l.stash.Change(id, titled(fmt.Sprint("Scene ", id)))
		}
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Path = "/x/clip1.mp4" })
		l.plex.AddItem(l.section, "/y/clip1.mp4", size(1))
		l.plex.Remove(l.keys[2])
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		p := l.preview(0)
		if p.WouldChange != 1 || p.Ambiguous != 1 || p.NotFound != 1 || p.Skipped != 1 || p.Bare != 1 || p.Unread != 0 {
			l.Errorf("preview = %+v", p)
		}
		if len(p.Others) != 3 || p.Others[0].Kind != Ambiguous || p.Others[1].Kind != NotFound || p.Others[2].Kind != Bare || !strings.Contains(p.Others[0].Title, "Scene 1") {
			l.Errorf("others = %+v", p.Others)
		}
		l.Config.Libraries = []string{"Videos", "Nowhere"}
		if p := l.preview(0); p.Unread != 1 || p.NotFound != 0 || p.Ambiguous != 1 {
			l.Errorf("with a missing library: %+v", p)
		}
	})
}

// panicking panics at each write.
type panicking struct{ http.RoundTripper }

func (p panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut {
		panic("oops")
	}
	return p.RoundTripper.RoundTrip(r)
}

func TestBugInOneSceneIsLoggedOnceWithItsTitle(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		var err error
		l.Plex, err = plexapi.New(plexapi.Config{
			URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: panicking{l.plex.Transport()},
		})
		l.must(err)
		l.edit("New", 1)
		for range 2 {
			l.want(l.run(), Summary{Retrying: 1})
			pass(time.Hour)
		}
		const want = "a bug in stash-plex-sync: oops; report it with the log at debug level"
		if n := l.logged("w", want+"; the next runs try again scene=1 title=New"); n != 1 || l.job(1).Error != want {
			l.Errorf("%d lines, want one; the job says %q", n, l.job(1).Error)
		}
	})
}
