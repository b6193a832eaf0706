package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// sampled looks up all scenes of a lab, and fails if the index has changed.
func (l *lab) sampled() (Sample, error) {
	l.Helper()
	_, sections, err := l.Plex.Probe(l.Context())
	l.must(err)
	scenes, err := lookup.Scenes(l.Context(), l.Stash, 20)
	l.must(err)
	before, err := l.Index.States(l.Context(), l.plex.Machine())
	l.must(err)
	l.plex.Forget()
	s, err := l.Sample(l.Context(), l.plex.Machine(), sections, scenes)
	if after, err := l.Index.States(l.Context(), l.plex.Machine()); err != nil || !slices.Equal(before, after) {
		l.Errorf("the index held %+v, and holds %+v, %v", before, after, err)
	}
	s.Why = text.Plain(s.Why)
	return s, err
}

// rules are the rules by which the scenes matched.
func (s Sample) rules() string {
	var list []string
	for _, m := range s.Matches {
		rule := "-"
		if m.Found == match.Matched {
			rule = m.Hits[0].Rule
		}
		list = append(list, rule)
	}
	return strings.Join(list, " ")
}

// fill puts n items into the library that are no scene's.
func (l *lab) fill(n int) {
	for i := range n {
		l.plex.AddItem(l.section, fmt.Sprintf("/data/other/%d.mp4", i), int64(900_000+i))
	}
}

// isLookup reports whether a request asks for a size.
func isLookup(r plextest.Request) bool { return strings.Contains(r.Query, "mediaSize") }

func TestScenesAreLookedUpInPlexBeforeItsFilesHaveBeenRead(t *testing.T) {
	const all = `Plex does not look up files by size, so all 303 items of "Videos" were compared`
	for _, c := range []struct {
		name     string
		plex     func(l *lab)
		rules    string
		why      string
		notes    []string
		requests int
	}{
		{"by size", func(*lab) {}, "path path path", "", nil, 2 + 3},
		{"a Plex that ignores the filter", func(l *lab) { l.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "ignored" }) }, "path path path", "", []string{all}, 2 + 2},
		{"a Plex that refuses the filter", func(l *lab) { l.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "refused" }) }, "path path path", "", []string{all}, 2 + 2},
		{"a Plex that fails on the filter", func(l *lab) { l.plex.Inject(plextest.Fault{Match: isLookup, Status: 500}) }, "path path path", "", []string{all}, 2 + 2},
		{"a Plex that is slow with the filter", func(l *lab) { l.plex.Inject(plextest.Fault{Match: isLookup, Hang: true}) }, "path path path", "", []string{all}, 2 + 2},
		{"a filter in another unit", func(l *lab) {
			l.plex.Inject(plextest.Fault{Match: isLookup, Status: 200, Body: `{"MediaContainer":{"size":0,"totalSize":0}}`})
		}, "path path path", "", []string{all}, 2 + 2},
		{"other paths in Plex", func(l *lab) {
			for _, id := range []int{1, 2, 3} {
				l.plex.Edit(l.keys[id], func(it *plextest.Item) { it.Files[0].Path = fmt.Sprintf("/mnt/nas/clip%d.mp4", id) })
			}
		}, "name+size name+size name+size", "", nil, 2 + 3},
		{"other paths in a Plex that does not filter", func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "ignored" })
			l.plex.Edit(l.keys[2], func(it *plextest.Item) { it.Files[0].Path = "/mnt/nas/clip2.mp4" })
		}, "path name+size path", "", []string{all}, 2 + 2},
		{"a path map", func(l *lab) {
			l.Config.PathMap = []match.PathPair{{From: "/data/videos", To: "/mnt/nas"}}
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Path = "/mnt/nas/1/clip1.mp4" })
		}, "pathMap name+size name+size", "", nil, 2 + 3},
		{"nothing in Plex", func(l *lab) {
			for _, id := range []int{1, 2, 3} {
				l.plex.Edit(l.keys[id], func(it *plextest.Item) { it.Files[0] = plextest.File{Path: "/data/else.mp4", Size: size(id)} })
			}
		}, "- - -", "scene 1 is not: Plex has no file named clip1.mp4 with its size (1001 bytes)", nil, 2 + 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 3, func(l *lab) {
				l.fill(300)
				c.plex(l)
				began := time.Now()
				s, err := l.sampled()
				if err != nil || s.rules() != c.rules || s.Why != c.why || !slices.Equal(s.Notes, c.notes) {
					l.Errorf("rules %s, why %q, notes %q, %v; want %s, %q, %q", s.rules(), s.Why, s.Notes, err, c.rules, c.why, c.notes)
				}
				if n := len(l.plex.Requests()); n != c.requests || l.plex.Count("GET", "/library/sections/"+l.section+"/all") != n {
					l.Errorf("%d requests, want %d listings: %v", n, c.requests, l.plex.Requests())
				}
				if took := time.Since(began); took > lookup.RequestLimit {
					l.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestSmallLibraryIsComparedCompletely(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.plex.Edit(l.keys[2], func(it *plextest.Item) { it.Files[0].Size = 7 })
		l.plex.Edit(l.keys[3], func(it *plextest.Item) { it.Files[0] = plextest.File{Path: "/mnt/clip3.mp4", Size: 7} })
		const why = "scene 3 is not: Plex has clip3.mp4 at /mnt/clip3.mp4 with a different size (7 bytes, in Stash 1003)"
		if s, err := l.sampled(); err != nil || s.rules() != "path path -" || s.Why != why || len(s.Notes) > 0 || len(l.plex.Requests()) != 1 {
			l.Errorf("rules %s, why %q, notes %q, %v, %d requests", s.rules(), s.Why, s.Notes, err, len(l.plex.Requests()))
		}
	})
}

func TestOnlyTheFirstItemsAreComparedIfPlexDoesNotFilter(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.AddBulk(l.section, 5000) // they come first
		l.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "ignored" })
		want := Sample{
			Why:   "scene 1 is not: no file named clip1.mp4 is among the items that were compared",
			Notes: []string{`Plex does not look up files by size, so the first 2000 of 5001 items of "Videos" were compared`},
		}
		s, err := l.sampled()
		if err != nil || s.Why != want.Why || !slices.Equal(s.Notes, want.Notes) || s.Matches[0].Found != match.Unknown {
			l.Errorf("%+v, %v", s, err)
		}
		rows := 0
		for _, r := range l.plex.Requests() {
			if !isLookup(r) {
				var n int
				fmt.Sscan(r.Header.Get("X-Plex-Container-Size"), &n)
				rows += n
			}
		}
		if rows != 2000 {
			l.Errorf("%d rows were read", rows)
		}
	})
}

func TestSlowPlexIsAskedForALimitedTime(t *testing.T) {
	listings := func(l *lab) string { return "/library/sections/" + l.section + "/all" }
	for _, c := range []struct {
		name   string
		plex   func(l *lab)
		looked int
		notes  []string
		fails  string
	}{
		{"every answer takes 1.1 s", func(l *lab) { l.plex.Inject(plextest.Fault{Prefix: listings(l), Delay: 1100 * time.Millisecond}) }, 4, []string{
			"6 more were not looked up, because Plex did not answer in time",
		}, ""},
		{"one look-up hangs", func(l *lab) { l.plex.Inject(plextest.Fault{Match: isLookup, Skip: 3, Hang: true}) }, 2, []string{
			"8 more were not looked up, because Plex did not answer in time",
		}, ""},
		{"every look-up hangs", func(l *lab) { l.plex.Inject(plextest.Fault{Match: isLookup, Skip: 1, Hang: true}) }, 0, nil, "look up a file in library"},
		{"the listing hangs", func(l *lab) { l.plex.Inject(plextest.Fault{Prefix: listings(l), Hang: true}) }, 0, nil, "list Plex's files: no answer in time"},
		{"one library hangs", func(l *lab) {
			other := l.plex.AddSection("Other", "movie")
			l.plex.Inject(plextest.Fault{Prefix: "/library/sections/" + other + "/all", Hang: true})
		}, 10, []string{`"Other" was left out, because Plex did not list it in time`}, ""},
		{"a long listing", func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "refused" })
			l.plex.Inject(plextest.Fault{Prefix: listings(l), Skip: 3, Hang: true})
		}, 10, []string{`Plex does not look up files by size, so the first 250 of 310 items of "Videos" were compared; it was too slow for more`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 10, func(l *lab) {
				l.fill(300)
				c.plex(l)
				began := time.Now()
				s, err := l.sampled()
				if len(s.Matches) != c.looked || !slices.Equal(s.Notes, c.notes) || (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
					l.Errorf("%d scenes, notes %q, %v; want %d, %q, %q", len(s.Matches), s.Notes, err, c.looked, c.notes, c.fails)
				}
				if took := time.Since(began); took > 7*time.Second {
					l.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestLookupLeavesTimeForMatching(t *testing.T) {
	inLab(t, 5, func(l *lab) {
		l.fill(300)
		l.plex.Inject(plextest.Fault{Match: isLookup, Delay: 900 * time.Millisecond})
		_, sections, err := l.Plex.Probe(l.Context())
		l.must(err)
		scenes, err := lookup.Scenes(l.Context(), l.Stash, 20)
		l.must(err)
		ctx, cancel := context.WithTimeout(l.Context(), 5*time.Second)
		defer cancel()
		s, err := l.Sample(ctx, l.plex.Machine(), sections, scenes)
		if err != nil || s.rules() != "path path" {
			l.Errorf("rules %q, notes %q, %v; want the two scenes that could be asked for", s.rules(), s.Notes, err)
		}
		stopped, stop := context.WithCancel(l.Context())
		go func() {
			pass(1500 * time.Millisecond)
			stop()
		}()
		if _, err := l.Sample(stopped, l.plex.Machine(), sections, scenes); !errors.Is(err, context.Canceled) {
			l.Errorf("a check that was stopped: %v", err)
		}
	})
}

func TestIndexIsUsedOnceEveryLibraryHasBeenRead(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.fill(100)
		l.edit("New", 1)
		l.run()
		if s, err := l.sampled(); err != nil || s.rules() != "path path" || len(s.Notes) > 0 || len(l.plex.Requests()) > 0 {
			l.Errorf("rules %s, notes %q, %v, requests %v", s.rules(), s.Notes, err, l.plex.Requests())
		}
		other := l.plex.AddSection("Other", "movie")
		l.stash.Add(stashtest.Scene{ID: 3, Files: []stashtest.File{{Path: "/other/x.mp4", Size: 7}}})
		l.plex.AddItem(other, "/other/x.mp4", 7)
		if s, err := l.sampled(); err != nil || s.rules() != "path path path" || s.Matches[2].Hits[0].Section != other {
			l.Errorf("with a further library: rules %s, %v", s.rules(), err)
		}
	})
}

func TestPlexThatGoesDownEndsTheSample(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.fill(100)
		l.plex.Inject(plextest.Fault{Match: isLookup, Skip: 1, Refuse: true})
		_, err := l.sampled()
		if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Down {
			l.Errorf("Sample = %v", err)
		}
	})
}

func TestSampleIsSpreadOverAllScenes(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []int
		want string
	}{
		{"no scenes", nil, "[]"},
		{"few", []int{3, 5, 900}, "[3 5 900]"},
		{"many", numbers(1, 100), "[1 34 67 100]"},
		{"with a gap", append(numbers(1, 50), numbers(1001, 1050)...), "[1 1001 1002 1048]"},
		{"one far away", append(numbers(1, 50), 1_000_000), "[1 2 3 1000000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 0, func(l *lab) {
				for _, id := range c.ids {
					l.stash.Add(stashtest.Scene{ID: id})
				}
				scenes, err := lookup.Scenes(l.Context(), l.Stash, 4)
				ids := []int{}
				for _, s := range scenes {
					ids = append(ids, s.ID)
				}
				if err != nil || fmt.Sprint(ids) != c.want {
					l.Errorf("scenes %v, %v; want %s", ids, err, c.want)
				}
			})
		})
	}
}

func numbers(from, to int) (list []int) {
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}
