package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// jpeg is what passes for a picture.
func jpeg(text string) []byte { return []byte("\xff\xd8\xff\xda\x00\x02" + text + "\xff\xd9") }

// covered sets a scene's cover, as a person does, and waits until its version is stable.
func (l *lab) covered(id int, data []byte) {
	l.Helper()
	l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = data })
	l.edit("T", id)
	pass(3 * time.Second)
}

// covers is how often a cover was read.
func (l *lab) covers() (n int) {
	for _, q := range l.stash.Queries() {
		if q.Operation == "screenshot" {
			n++
		}
	}
	return n
}

func (l *lab) poster(id int) string { return string(l.plex.Item(l.keys[id]).Poster().Data) }

func TestCoverBecomesThePosterOnce(t *testing.T) {
	for name, o := range map[string]plextest.Options{"": {}, "uploads select nothing": {NoSelect: true}, "uploads lock": {LocksOnUpload: true}, "rows are photos": {PictureRows: "Photo"}} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.plex.Configure(func(to *plextest.Options) { *to = o })
				l.covered(1, jpeg("one"))
				l.want(l.run(), Summary{Synced: 1})
				it := l.plex.Item(l.keys[1])
				if l.poster(1) != string(jpeg("one")) || !it.Locked["thumb"] || it.Background().Data != nil || it.Locked["art"] {
					t.Errorf("item = %+v", it)
				}
				for range 3 { // the scene changes, its cover does not
					pass(time.Minute)
					l.plex.Forget()
					l.covered(1, jpeg("one"))
					l.want(l.run(), Summary{Unchanged: 1})
					if l.plex.Uploads(l.keys[1]) != 1 || l.plex.Count("", "/library/metadata/"+l.keys[1]+"/posters") != 0 {
						t.Errorf("%d uploads, requests %v", l.plex.Uploads(l.keys[1]), l.plex.Requests())
					}
				}
				l.covered(1, jpeg("two"))
				l.want(l.run(), Summary{Synced: 1})
				if l.poster(1) != string(jpeg("two")) || l.plex.Uploads(l.keys[1]) != 2 {
					t.Errorf("after another cover: %q, %d uploads", l.poster(1), l.plex.Uploads(l.keys[1]))
				}
				l.covered(1, jpeg("one"))
				l.want(l.run(), Summary{Synced: 1})
				if l.poster(1) != string(jpeg("one")) || l.plex.Uploads(l.keys[1]) != 2 {
					t.Errorf("after the first cover again: %q, %d uploads", l.poster(1), l.plex.Uploads(l.keys[1]))
				}
			})
		})
	}
}

func TestCoverOfAnUnchangedSceneIsNotRead(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Forget()
		l.must(second(l.EnqueueAll(l.Context())))
		l.want(l.run(), Summary{Unchanged: 1})
		if n := l.covers(); n != 0 {
			t.Errorf("the cover was read %d times again", n)
		}
	})
}

func TestBackgroundIsPushedOnlyIfItIsNamed(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		var err error
		l.Config.Fields, err = merge.ParseFields("+background")
		l.must(err)
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Synced: 1})
		it := l.plex.Item(l.keys[1])
		if string(it.Background().Data) != string(jpeg("one")) || !it.Locked["art"] || l.poster(1) != string(jpeg("one")) {
			t.Errorf("item = %+v", it)
		}
		l.Config.Fields, err = merge.ParseFields("-poster")
		l.must(err)
		l.covered(1, jpeg("two"))
		l.want(l.run(), Summary{Unchanged: 1})
	})
}

func TestNonPictureIsNotUploaded(t *testing.T) {
	for name, data := range map[string][]byte{
		"placeholder": nil, "text/html": []byte("<html><body>Login</body></html>"), "video/mp4": []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"),
		"image/jpeg and its end is missing": []byte("\xff\xd8\xff\xda\x00\x02half"), "image/svg+xml": []byte("<svg/>"), "too large": jpeg(strings.Repeat("x", 10_000_000)),
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.covered(1, data)
				l.want(l.run(), Summary{Synced: 1})
				if l.plex.Uploads(l.keys[1]) != 0 || l.plex.Count("POST", "") != 0 {
					t.Error("it was uploaded")
				}
				logged := strings.Count(l.log.String(), "the cover is not sent")
				if named := strings.Contains(l.log.String(), name); name == "placeholder" && logged != 0 || name != "placeholder" && (logged != 1 || !named) {
					t.Errorf("%d messages, log:\n%s", logged, l.log.String())
				}
			})
		})
	}
}

// rare contains pictures of formats that some versions of Plex may not support.
var rare = map[string][]byte{
	"image/avif": []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miafMA1B"), "image/jxl": []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), "image/bmp": []byte("BM......"),
}

func TestCoverOfARareFormatIsSent(t *testing.T) {
	for format, data := range rare {
		inLab(t, 1, func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) { o.AnyPicture = true })
			l.covered(1, data)
			l.want(l.run(), Summary{Synced: 1})
			if l.poster(1) != string(data) {
				t.Errorf("%s: poster = %q", format, l.poster(1))
			}
		})
	}
}

func TestCoverOfARareFormatThatPlexRefusesIsLeftOut(t *testing.T) {
	for format, data := range rare {
		for name, o := range map[string]plextest.Options{"refused": {}, "accepted and not kept": {Stuck: map[string]bool{"thumb": true}, AnyPicture: true}} {
			inLab(t, 1, func(l *lab) {
				l.plex.Configure(func(to *plextest.Options) { *to = o })
				l.covered(1, data)
				l.want(l.run(), Summary{Retrying: 1})
				pass(time.Minute)
				if sum := l.run(); sum.Synced+sum.Unchanged != 1 {
					t.Errorf("%s, %s: %+v", format, name, sum)
				}
				l.wantTitle(1, "T")
				if log := l.log.String(); !strings.Contains(log, "Plex refuses this cover") || !strings.Contains(log, format) {
					t.Errorf("%s, %s: log:\n%s", format, name, log)
				}
			})
		}
	}
}

func TestCoverGeneratedAfterTheScanArrives(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.run()
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		pass(time.Minute)
		l.stash.GenerateCover(1, jpeg("generated"))
		pass(11 * time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if l.poster(1) != string(jpeg("generated")) {
			t.Errorf("poster = %q", l.poster(1))
		}
	})
}

func TestFailedCoverIsRetriedAloneAndCounts(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Inject(plextest.Fault{Method: "POST", Status: 503, Times: 1})
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Retrying: 1})
		l.wantTitle(1, "T")
		if j := l.job(1); j.Attempts != 1 {
			t.Errorf("job = %+v", j)
		}
		if links, err := l.Store.Links(l.Context(), 1); err != nil || len(links) != 1 {
			t.Errorf("links = %v, %v; want what is in Plex already", links, err)
		}
		pass(time.Minute)
		l.plex.Forget()
		l.want(l.run(), Summary{Synced: 1})
		if l.poster(1) != string(jpeg("one")) || l.plex.Count("PUT", "/library/sections") != 1 { // the picture's lock
			t.Errorf("poster %q, requests %v", l.poster(1), l.plex.Requests())
		}
	})
}

func TestRefusedCoverIsLeftOutAndOtherFieldsStay(t *testing.T) {
	for status, tries := range map[int]int{400: 1, 413: 2, 500: 2} {
		inLab(t, 1, func(l *lab) {
			l.plex.Inject(plextest.Fault{Method: "POST", Status: status})
			l.covered(1, jpeg("one"))
			for range tries - 1 {
				l.want(l.run(), Summary{Retrying: 1})
				pass(time.Minute)
			}
			if sum := l.run(); sum.Synced+sum.Unchanged != 1 {
				t.Errorf("%d: %+v", status, sum)
			}
			l.wantTitle(1, "T")
			l.plex.Forget()
			l.covered(1, jpeg("one"))
			if l.want(l.run(), Summary{Unchanged: 1}); l.plex.Count("POST", "") != 0 {
				t.Errorf("%d: the refused cover is sent again", status)
			}
			l.plex.Heal()
			l.covered(1, jpeg("two"))
			l.want(l.run(), Summary{Synced: 1})
			if l.poster(1) != string(jpeg("two")) {
				t.Errorf("%d: poster = %q", status, l.poster(1))
			}
		})
	}
}

// Somebody in front of Plex who swallows some uploads is no outage.
func TestCoverThatPlexShowsBreaksARowOfFailures(t *testing.T) {
	inLab(t, 10, func(l *lab) {
		l.run()
		var ids []int
		for id := 1; id <= 10; id++ {
			l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = jpeg("one") })
			if ids = append(ids, id); id%2 == 1 {
				l.plex.Inject(plextest.Fault{Method: "POST", Prefix: "/library/metadata/" + l.keys[id] + "/", Status: 200})
			}
		}
		l.edit("T", ids...)
		pass(3 * time.Second)
		l.want(l.run(), Summary{Synced: 5, Retrying: 5})
		if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != store.BreakerClosed || b.Failures > 0 {
			t.Errorf("breaker = %+v, %v", b, err)
		}
	})
}

// What failed before, and was not the cover, takes nothing from its second chance.
func TestCoverIsTriedTwiceAfterAnyFailure(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 1})
		l.plex.Inject(plextest.Fault{Method: "POST", Status: 500, Times: 1})
		l.covered(1, jpeg("one"))
		for range 2 {
			l.want(l.run(), Summary{Retrying: 1})
			pass(time.Minute)
		}
		l.want(l.run(), Summary{Synced: 1})
		if l.poster(1) != string(jpeg("one")) {
			t.Errorf("poster = %q", l.poster(1))
		}
	})
}

// A scene whose fields are in Plex is no dead letter because of its cover alone.
func TestCoverThatFailsAtTheLastAttemptIsLeftOut(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.MaxRetries = 1
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 1})
		l.plex.Inject(plextest.Fault{Method: "POST", Status: 500})
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Retrying: 1})
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "T")
	})
}

func TestPlexThatGoesDownAtACoverChargesNothing(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.plex.Inject(plextest.Fault{Method: "POST", Refuse: true, Times: 1})
		for id := 1; id <= 3; id++ {
			l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = jpeg("one") })
		}
		l.edit("T", 1, 2, 3)
		pass(3 * time.Second)
		l.run()
		for id := 1; id <= 3; id++ {
			l.wantTitle(id, "T")
			if j, err := l.Store.Job(l.Context(), id); err == nil && (j.Attempts != 0 || j.Unfinished != 0) {
				t.Errorf("job %d = %+v", id, j)
			}
		}
		l.run()
		for id := 1; id <= 3; id++ {
			if l.poster(id) != string(jpeg("one")) || l.plex.Uploads(l.keys[id]) != 1 {
				t.Errorf("scene %d: poster %q, %d uploads", id, l.poster(id), l.plex.Uploads(l.keys[id]))
			}
		}
	})
}

func TestUnreadableCoverChargesOnlyItsJob(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.stash.Inject(stashtest.Fault{Operation: "screenshot", Status: 500, Times: 1})
		l.stash.Change(1, func(s *stashtest.Scene) { s.Cover = jpeg("one") })
		l.stash.Change(2, func(s *stashtest.Scene) { s.Cover = jpeg("two") })
		l.edit("T", 1, 2)
		pass(3 * time.Second)
		l.want(l.run(), Summary{Synced: 1, Retrying: 1})
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if b, err := l.Store.Breaker(l.Context()); err != nil || b.Failures != 0 || l.poster(1) != string(jpeg("one")) {
			t.Errorf("breaker %+v, %v; poster %q", b, err, l.poster(1))
		}
	})
}

func TestPictureThatAPersonChoseInPlex(t *testing.T) {
	for i := range 4 {
		inLab(t, 1, func(l *lab) {
			keep := i%2 == 1
			l.plex.Configure(func(o *plextest.Options) { o.NoSelect = i > 1 })
			l.Config.KeepPlexEdits = keep
			l.covered(1, jpeg("one"))
			l.want(l.run(), Summary{Synced: 1})
			l.plex.Choose(l.keys[1], "posters", "https://example.org/mine.jpg")
			l.covered(1, jpeg("one"))
			l.want(l.run(), Summary{Unchanged: 1}) // the cover has not changed, so the person's choice stays
			if got := l.plex.Item(l.keys[1]).Poster().Key; got != "https://example.org/mine.jpg" {
				t.Errorf("keep %v: poster = %s", keep, got)
			}
			l.covered(1, jpeg("two"))
			l.run()
			if got := l.poster(1) == string(jpeg("two")); got == keep {
				t.Errorf("keep %v: poster = %s", keep, l.plex.Item(l.keys[1]).Poster().Key)
			}
		})
	}
}

func TestRestoreSelectsTheOriginalPicture(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		before := l.plex.Item(l.keys[1]).Poster().Key
		l.covered(1, jpeg("one"))
		l.covered(2, jpeg("two"))
		l.want(l.run(), Summary{Synced: 2})
		l.covered(1, jpeg("three"))
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Choose(l.keys[2], "posters", "https://example.org/mine.jpg")
		r := l.restore(0)
		if r.Restored != 2 || len(r.Kept) != 1 || !slices.Equal(r.Kept[0].Fields, []string{"poster"}) {
			t.Errorf("restore = %+v", r)
		}
		it := l.plex.Item(l.keys[1])
		if it.Poster().Key != before || it.Locked["thumb"] || it.Title != "clip1" {
			t.Errorf("item = %+v, want the poster %s", it, before)
		}
		if got := l.plex.Item(l.keys[2]).Poster().Key; got != "https://example.org/mine.jpg" {
			t.Errorf("the person's poster is %s now", got)
		}
		l.plex.Forget()
		if r := l.restore(0); r.Unchanged != 2 || l.plex.Count("PUT", "") != 0 {
			t.Errorf("again: %+v", r)
		}
	})
}

func TestCrashAfterTheUploadDoesNotUploadTwice(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		before := l.plex.Item(l.keys[1]).Poster().Key
		l.covered(1, jpeg("one"))
		l.plex.Inject(plextest.Fault{Method: "POST", Status: 503, After: true, Times: 1}) // done, but the answer is lost
		l.want(l.run(), Summary{Retrying: 1})
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if l.plex.Uploads(l.keys[1]) != 1 || l.poster(1) != string(jpeg("one")) {
			t.Errorf("%d uploads, poster %q", l.plex.Uploads(l.keys[1]), l.poster(1))
		}
		items, err := l.Store.Items(l.Context(), l.plex.Machine(), []string{l.keys[1]})
		if err != nil || merge.First(items[l.keys[1]].Original["thumb"].Value) != before {
			t.Errorf("before = %+v, %v; want %s", items[l.keys[1]].Original["thumb"], err, before)
		}
	})
}

func TestPreviewShowsPicturesAndSendsNone(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.must(second(l.RefreshIndex(l.Context())))
		l.covered(1, jpeg("one"))
		p := l.preview(1)
		if p.WouldChange != 1 || p.ByField["poster"] != 1 || l.plex.Count("POST", "")+l.plex.Count("PUT", "") != 0 {
			t.Errorf("preview = %+v", p)
		}
		if l.want(l.run(), Summary{Synced: 1}); l.preview(1).Unchanged != 1 {
			t.Errorf("after the push: %+v", l.preview(1))
		}
	})
}

func TestSceneWithNothingButACoverIsPushed(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) { s.Cover = jpeg("one") })
		pass(3 * time.Second)
		l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: 1, Reason: "edit"}, {SceneID: 2, Reason: "edit"}}))
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		if l.poster(1) != string(jpeg("one")) {
			t.Errorf("poster = %q", l.poster(1))
		}
	})
}

func TestCoverThatWasRefusedIsTriedAgainAfterAnother(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("one"))
		l.run()
		l.plex.Inject(plextest.Fault{Method: "POST", Status: 400, Times: 1})
		for _, cover := range []string{"two", "one", "two"} {
			l.covered(1, jpeg(cover))
			l.run()
		}
		if l.poster(1) != string(jpeg("two")) {
			t.Errorf("poster = %q, want the cover that was refused once", l.poster(1))
		}
	})
}

// onlyPath matches requests for a picture.
func onlyPath(method, suffix, query string) func(plextest.Request) bool {
	return func(r plextest.Request) bool {
		return r.Method == method && strings.HasSuffix(r.Path, suffix) && strings.Contains(r.Query, query) && !strings.Contains(r.Query, "value")
	}
}

func TestRefusedSelectionOfACoverKeepsOtherFields(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.NoSelect = true })
		l.plex.Inject(plextest.Fault{Match: onlyPath("PUT", "/poster", "url="), Status: 400})
		l.covered(1, jpeg("one"))
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "T")
		l.plex.Heal()
		l.covered(1, jpeg("two"))
		l.want(l.run(), Summary{Synced: 1})
		if l.poster(1) != string(jpeg("two")) {
			t.Errorf("poster = %q", l.poster(1))
		}
	})
}

// A proxy in front of Plex answers 200 to anything.
func TestPictureIsShownAndLockedEvenBehindAProxy(t *testing.T) {
	for name, match := range map[string]func(plextest.Request) bool{
		"choice": onlyPath("PUT", "/poster", "url="), "lock": onlyPath("PUT", "/all", "thumb.locked=1"), "upload": onlyPath("POST", "/posters", ""),
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.plex.Configure(func(o *plextest.Options) { o.NoSelect = true })
				l.plex.Inject(plextest.Fault{Match: match, Status: 200, Times: 1})
				l.covered(1, jpeg("one"))
				l.run()
				pass(time.Minute)
				l.run()
				if it := l.plex.Item(l.keys[1]); l.poster(1) != string(jpeg("one")) || !it.Locked["thumb"] || l.plex.Uploads(l.keys[1]) != 1 {
					t.Errorf("item = %+v", it)
				}
			})
		})
	}
}
