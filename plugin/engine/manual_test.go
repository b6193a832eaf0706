package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/scenes"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// operation calls an operation of the page.
func (l *lab) operation(name string, args desk.Args) (any, error) {
	for name, v := range args {
		if n, ok := v.(int); ok { // as in JSON
			args[name] = float64(n)
		}
	}
	return ops.All()[name].Call(l.Context(), &desk.Desk{
		Now: time.Now, Log: l.Log, Store: l.Store, Stash: l.Stash, Settings: settings.Settings{Libraries: l.Config.Libraries},
		Index: func(context.Context) (*plexindex.Index, error) { return l.Index, nil },
		Ask:   func(context.Context) (bool, error) { return true, l.asking },
	}, args)
}

// link chooses an item for a scene.
func (l *lab) link(scene int, key string) scenes.LinkReport {
	l.Helper()
	r, err := l.operation("link", desk.Args{"scene_id": scene, "rating_key": key})
	l.must(err)
	return r.(scenes.LinkReport)
}

func (l *lab) forget(scene int) scenes.LinkReport {
	l.Helper()
	r, err := l.operation("forget", desk.Args{"scene_id": scene})
	l.must(err)
	return r.(scenes.LinkReport)
}

// other adds an item that fits no scene, and reads it into the index.
func (l *lab) other() string {
	l.Helper()
	key := l.plex.AddItem(l.section, "/other/film.mp4", 77)
	l.reads()
	return key
}

// reads brings the index up to date.
func (l *lab) reads() {
	l.Helper()
	_, err := l.Engine.RefreshIndex(l.Context())
	l.must(err)
}

func (l *lab) wantItem(key, title string) {
	l.Helper()
	if got := l.plex.Item(key).Title; got != title {
		l.Errorf("Plex item %s is called %q, want %q", key, got, title)
	}
}

// lastError returns why the last attempt for a scene did not end well.
func (l *lab) lastError(scene int) string {
	l.Helper()
	attempts, err := l.Store.Attempts(l.Context(), scene)
	l.must(err)
	if len(attempts) == 0 {
		return ""
	}
	return text.Plain(attempts[0].Error)
}

func (l *lab) choice(scene int) (chosen.Choice, bool) {
	l.Helper()
	choices, err := chosen.Choices{Queue: l.Store, Server: l.plex.Machine()}.OfScenes(l.Context(), []int{scene})
	l.must(err)
	c, ok := choices[scene]
	return c, ok
}

func TestChosenItemBeatsEveryRule(t *testing.T) {
	for rule, plex := range map[string]string{
		match.ByPath: path(1), match.ByPathMap: "/plex/1/clip1.mp4", match.ByNameSize: "/elsewhere/clip1.mp4", match.ByFolders: "/there/videos/1/clip1.mp4",
	} {
		t.Run(rule, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.plex.Remove(l.keys[1])
				n := size(1)
				switch rule {
				case match.ByPathMap:
					l.Config.PathMap = []match.PathPair{{From: "/data/videos", To: "/plex"}}
				case match.ByFolders:
					n++
				}
				l.keys[1] = l.plex.AddItem(l.section, plex, n)
				l.edit("One", 1)
				l.want(l.run(), Summary{Synced: 1})
				links, err := l.Store.Links(l.Context(), 1)
				if err != nil || len(links) != 1 || links[0].Rule != rule {
					t.Fatalf("links = %+v, %v; want the rule %s", links, err, rule)
				}
				other := l.other()
				r := l.link(1, other)
				if r.Linked.RatingKey != other || r.Linked.Library != "Videos" || r.Owner != 0 || r.Before != nil || !slices.Equal(r.Left, []string{l.keys[1]}) {
					t.Errorf("%+v", r)
				}
				l.want(l.run(), Summary{Synced: 1})
				l.wantItem(other, "One")
				l.edit("Two", 1)
				l.want(l.run(), Summary{Synced: 1})
				l.wantItem(other, "Two")
				l.wantTitle(1, "One") // it belongs to nobody and stays as it is
				links, err = l.Store.Links(l.Context(), 1)
				if err != nil || len(links) != 1 || links[0].Rule != match.Manual || links[0].RatingKey != other {
					t.Errorf("links = %+v, %v", links, err)
				}
				if r := l.forget(1); r.Linked != nil || r.Before.RatingKey != other {
					t.Errorf("%+v", r)
				}
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "Two")
			})
		})
	}
}

func TestItemThatAChoiceLeavesIsRestored(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.run()
		other := l.other()
		l.link(1, other)
		l.run()
		if _, err := l.Engine.Restore(l.Context(), 1); err != nil {
			t.Fatal(err)
		}
		l.wantTitle(1, "clip1")
		l.wantItem(other, "film")
	})
}

func TestItemThatAChoiceLeavesGoesToTheNextScene(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.addFile(2, 1) // another scene has a further file of the item
		l.edit("One", 1)
		l.run()
		l.edit("Two", 2)
		l.want(l.run(), Summary{Skipped: 1})
		l.link(1, l.other())
		l.want(l.run(), Summary{Synced: 2})
		l.wantTitle(1, "Two")
	})
}

func TestOwnerOfAChosenItemWaitsForItsEnd(t *testing.T) {
	for name, file := range map[string]string{"by path": path(2), "by name and size": "/elsewhere/clip2.mp4"} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 2, func(l *lab) {
				l.plex.Remove(l.keys[2])
				l.keys[2] = l.plex.AddItem(l.section, file, size(2))
				l.edit("One", 1)
				l.edit("Two", 2)
				l.want(l.run(), Summary{Synced: 2})
				if r := l.link(1, l.keys[2]); r.Owner != 2 {
					t.Errorf("%+v", r)
				}
				l.want(l.run(), Summary{Synced: 1, Skipped: 1})
				l.wantTitle(2, "One")
				if why := l.lastError(2); !strings.Contains(why, "was chosen for scene 1") {
					t.Errorf("scene 2: %s", why)
				}
				l.edit("Three", 2)
				l.want(l.run(), Summary{Skipped: 1})
				l.wantTitle(2, "One")
				l.forget(1)
				l.run()
				l.wantTitle(1, "One")
				l.wantTitle(2, "Three")
				if _, err := l.Engine.Restore(l.Context(), 0); err != nil {
					t.Fatal(err)
				}
				l.wantTitle(1, "clip1")
				l.wantTitle(2, "clip2")
			})
		})
	}
}

func TestRestoreOfAChosenItemReturnsItsOriginal(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		before := values(l.furnish(2))
		l.dressed(2)
		l.edit("Two", 2)
		l.run()
		l.dressed(1)
		l.edit("One", 1)
		l.run()
		l.link(1, l.keys[2])
		l.run()
		l.wantTitle(2, "One")
		if _, err := l.Engine.Restore(l.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if got := values(l.plex.Item(l.keys[2])); !reflect.DeepEqual(got, before) {
			t.Errorf("restored to %+v, want %+v", got, before)
		}
		l.want(l.run(), Summary{})
		if _, ok := l.choice(1); !ok {
			t.Error("the restore ended the choice")
		}
		l.edit("Again", 1) // on request
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "Again")
	})
}

func TestTwoScenesCannotChooseOneItem(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		other := l.other()
		l.plex.AddFile(other, "/other/second.mp4", 78)
		l.Engine.RebuildIndex(l.Context())
		l.stash.Change(1, titled("The first"))
		l.link(1, other)
		for _, args := range []desk.Args{{"scene_id": 2, "rating_key": other}, {"scene_id": 2, "path": "/other/film.mp4"}, {"scene_id": 2, "path": "/other/second.mp4"}} {
			_, err := l.operation("link", args)
			if err == nil || text.Plain(err.Error()) != "scene 1 (The first) has chosen this item already; forget that first" {
				t.Errorf("%v: %v", args, err)
			}
		}
		l.link(1, other) // again
		l.link(1, l.keys[3])
		l.link(2, other) // which is free now
		if _, err := l.operation("forget", desk.Args{"scene_id": 3}); err == nil || err.Error() != "no item was chosen for scene 3: there is nothing to forget" {
			t.Error(err)
		}
	})
}

func TestLinkNamesAFileOfAChosenLibrary(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		other := l.other()
		l.plex.AddFile(other, "/other/second.mp4", 78)
		l.plex.AddItem(l.plex.AddSection("More", "movie"), "/more/film.mp4", 79)
		_, err := l.Engine.RebuildIndex(l.Context())
		l.must(err)
		l.Config.Libraries = []string{"Videos"}
		for _, c := range []struct {
			args desk.Args
			want string // the chosen file, or a part of the error
		}{
			{desk.Args{"rating_key": other}, "/other/film.mp4"},
			{desk.Args{"rating_key": other, "path": `\\other\second.mp4`[1:]}, "/other/second.mp4"},
			{desk.Args{"path": "/other/film.mp4"}, "/other/film.mp4"},
			{desk.Args{"rating_key": l.keys[1], "path": "/other/film.mp4"}, "in Plex does not have the file /other/film.mp4; it has " + path(1)},
			{desk.Args{"path": "/more/film.mp4"}, "no chosen library has the file /more/film.mp4"},
			{desk.Args{"path": "/OTHER/film.mp4"}, "no chosen library has the file"},
			{desk.Args{"rating_key": "x' OR 1"}, "no chosen library has an item x' OR 1"},
			{desk.Args{"rating_key": 5}, "args.rating_key is 5; it must be a text"},
			{desk.Args{"path": strings.Repeat("x", 5000)}, "it must be the path of a file in Plex"},
			{desk.Args{"path": []any{"x"}}, "it must be the path of a file in Plex"},
			{desk.Args{"path": "/a\nb"}, "no chosen library has the file /a b"},
			{desk.Args{"rating_key": other, "scene_id": nil}, "args.scene_id is missing"},
			{desk.Args{"rating_key": other, "scene_id": -1}, "it must be the id of a scene"},
			{desk.Args{"rating_key": other, "scene_id": 9}, "scene 9 is not in Stash"},
			{desk.Args{"rating_key": other, "force": true}, `unknown argument "force"`},
		} {
			if _, given := c.args["scene_id"]; !given {
				c.args["scene_id"] = 1
			}
			_, err := l.operation("link", c.args)
			got := ""
			if choice, ok := l.choice(1); ok && err == nil {
				got = choice.Path
			} else if err != nil {
				got = text.Plain(err.Error())
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("%v: %s, want %s", c.args, got, c.want)
			}
		}
	})
}

func TestChoiceIsStoredThoughStashCannotBeAsked(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		other := l.other()
		l.asking = errors.New("Stash is off")
		l.stash.Change(1, titled("One"))
		if r := l.link(1, other); r.Linked == nil || r.RunFollows {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(l.log.String(), "the change is stored, and the next run takes it") {
			t.Error("nothing says that no run follows")
		}
		l.want(l.run(), Summary{Synced: 1})
		l.wantItem(other, "One")
	})
}

func TestTwoChosenFilesThatPlexMergesBelongToTheFirst(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		one, two := l.other(), l.plex.AddItem(l.section, "/other/two.mp4", 78)
		l.reads()
		l.link(1, one)
		l.link(2, two)
		l.stash.Change(1, titled("One"))
		l.stash.Change(2, titled("Two"))
		l.want(l.run(), Summary{Synced: 2})
		l.plex.Remove(two)
		l.plex.AddFile(one, "/other/two.mp4", 78)
		l.reads()
		l.edit("Three", 1, 2)
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		l.edit("Four", 2)
		l.want(l.run(), Summary{Skipped: 1})
		l.wantItem(one, "Three")
	})
}

func TestChosenFileThatIsGone(t *testing.T) {
	for _, skip := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.Config.SkipMissing = skip
			other := l.other()
			l.link(1, other)
			l.edit("One", 1)
			l.want(l.run(), Summary{Synced: 1})
			l.plex.Remove(other)
			l.edit("Two", 1)
			l.want(l.run(), Summary{Waiting: 1})
			const want = "the item that you chose is gone (/other/film.mp4); choose another one, or forget the choice"
			if why := l.lastError(1); why != want {
				t.Errorf("%q, want %q", why, want)
			}
			for range 12 { // and never back to the rules
				pass(10 * time.Minute)
				l.run()
			}
			l.wantTitle(1, "clip1")
			letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{}, 10)
			if err != nil || len(letters) != 1 || text.Plain(letters[0].Job.Error) != want {
				t.Errorf("dead letters: %+v, %v", letters, err)
			}
			other = l.plex.AddItem(l.section, "/other/film.mp4", 77) // it is back
			l.later()
			l.want(l.run(), Summary{Synced: 1})
			l.wantItem(other, "Two")
			l.wantTitle(1, "clip1")
		})
	}
}

func TestChosenFileInALibraryThatIsCreatedAgain(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		other := l.other()
		l.link(1, other)
		l.edit("One", 1)
		pass(stashapi.ClockSlack)
		l.want(l.run(), Summary{Synced: 1})
		l.later()
		anew := l.plex.Move(other, "/other/film.mp4")
		if anew == other {
			t.Fatal("Plex gave the file the same key")
		}
		l.later()
		l.want(l.run(), Summary{Synced: 1})
		l.wantItem(anew, "One")
		if c, _ := l.choice(1); c.RatingKey != anew {
			t.Errorf("the choice names item %s, want %s", c.RatingKey, anew)
		}
	})
}

func TestChoiceSurvives(t *testing.T) {
	for name, does := range map[string]func(l *lab){
		"Sync all": func(l *lab) {
			_, err := l.Engine.EnqueueAll(l.Context())
			l.must(err)
		},
		"a rebuilt index": func(l *lab) {
			_, err := l.Engine.RebuildIndex(l.Context())
			l.must(err)
		},
		"an empty index": func(l *lab) { l.must(l.Index.Reset(l.Context())) },
		"a restore": func(l *lab) {
			_, err := l.Engine.Restore(l.Context(), 0)
			l.must(err)
		},
		"a queue that is cleared": func(l *lab) {
			_, err := l.Store.ClearQueue(l.Context())
			l.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				other := l.other()
				l.link(1, other)
				l.edit("One", 1)
				l.want(l.run(), Summary{Synced: 1})
				does(l)
				l.edit("Two", 1)
				l.want(l.run(), Summary{Synced: 1})
				l.wantItem(other, "Two")
				l.wantTitle(1, "clip1")
			})
		})
	}
}

func TestChoiceEndsWithItsScene(t *testing.T) {
	for name, ends := range map[string]func(l *lab){
		"destroyed": func(l *lab) {
			l.stash.Drop(1)
			_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: 1}, Gone: true})
			l.must(err)
		},
		"destroyed without a hook": func(l *lab) {
			l.stash.Drop(1)
			pass(25 * time.Hour)
		},
		"merged": func(l *lab) {
			l.stash.MergeScenes(3, 1) // no hook
			pass(25 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 3, func(l *lab) {
				l.edit("Two", 2)
				l.run() // lists Stash for the first time
				l.plex.Remove(l.keys[1])
				l.link(1, l.keys[2])
				l.stash.Change(1, titled("One"))
				l.run()
				l.wantTitle(2, "One")
				ends(l)
				l.run()
				l.run()
				if _, ok := l.choice(1); ok {
					t.Error("the choice of a scene that is gone is left")
				}
				l.wantTitle(2, "Two")
			})
		})
	}
}

func TestChoiceThatWasNeverPushedEndsWithItsScene(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("Two", 2)
		l.run()
		l.link(1, l.keys[2])
		l.stash.Drop(1) // without a hook
		pass(25 * time.Hour)
		l.run()
		if _, ok := l.choice(1); ok {
			t.Error("the choice of a scene that is gone is left")
		}
	})
}

func TestNoScanForAChosenFile(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.ScanPlex = true
		l.section = l.plex.AddSection("More", "movie", "/data", "/other")
		other := l.other()
		l.link(1, other)
		l.plex.Remove(other)
		l.edit("One", 1)
		l.want(l.run(), Summary{Waiting: 1})
		if n := len(l.plex.Scans()); n != 0 {
			t.Errorf("%d scans", n)
		}
	})
}

func TestItemChosenForASceneThatIsGoneIsFree(t *testing.T) {
	inLab(t, 2, func(l *lab) { // before the listing that ends the choice
		l.link0(1, 2)
		l.stash.Drop(1)
		l.edit("Two", 2)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "Two")
	})
}

// link0 chooses the item of another scene for a scene and pushes both.
func (l *lab) link0(scene, of int) {
	l.Helper()
	l.reads()
	l.link(scene, l.keys[of])
	l.stash.Change(scene, titled("Chosen"))
	l.run()
	l.wantTitle(of, "Chosen")
}

func TestOthersWaitIfStashCannotReadTheSceneOfAChoice(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.link0(1, 2)
		l.stash.Break(1)
		l.edit("Two", 2)
		l.want(l.run(), Summary{Retrying: 1})
		l.wantTitle(2, "Chosen")
	})
}

func TestPreviewKnowsChoices(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.reads()
		l.stash.Change(1, titled("One"))
		l.stash.Change(2, titled("Two"))
		l.link(1, l.keys[2])
		p := l.preview(0)
		if p.WouldChange != 1 || p.Skipped != 1 || p.Scenes[0].SceneID != 1 || p.Scenes[0].Items[0].RatingKey != l.keys[2] {
			t.Errorf("%+v", p)
		}
	})
}

func TestCandidates(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) {
			s.Title, s.Files = "One", []stashtest.File{{Path: "/data/a.mp4", Size: 500, Duration: 60}}
		})
		add := func(path string, size int64) string { return l.plex.AddItem(l.section, path, size) }
		named, twin, sized, far := add("/x/a.mkv", 9), add("/x/a.mp4", 500), add("/x/b.mp4", 500), add("/x/Some Film.mp4", 8)
		l.reads()
		l.edit("Two", 2)
		l.run()
		l.link(2, sized)
		l.run()
		keys := func(args desk.Args) string {
			r, err := l.operation("candidates", args)
			l.must(err)
			var list []string
			for _, c := range r.(scenes.CandidatesReport).Items {
				list = append(list, fmt.Sprintf("%s:%d:%d", c.RatingKey, c.ChosenBy, c.Owner))
			}
			return strings.Join(list, " ")
		}
		if got, want := keys(desk.Args{"scene_id": 1}), fmt.Sprintf("%s:0:0 %s:2:2 %s:0:0", twin, sized, named); got != want {
			t.Errorf("candidates = %s, want %s", got, want)
		}
		if got, want := keys(desk.Args{"scene_id": 1, "text": "some film"}), far+":0:0"; got != want {
			t.Errorf("with a text: %s, want %s", got, want)
		}
		add("/y/a.mp4", 500)
		l.edit("One", 1)
		l.want(l.run(), Summary{Dead: 1})
		if got := keys(desk.Args{"scene_id": 1, "text": "some film"}); len(strings.Fields(got)) != 3 || !strings.HasSuffix(got, far+":0:0") {
			t.Errorf("with a text and those of the dead letter: %s", got)
		}
	})
}

// Whatever is chosen, forgotten, edited and changed in Plex, an item with a chosen file shows the scene that chose it, or
// what it showed before that scene was pushed, and no other scene is written to it.
func TestOtherScenesAreNeverWrittenToAChosenItem(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inLab(t, 6, func(l *lab) { randomChoices(l, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func randomChoices(l *lab, r *rand.Rand) {
	linked := 0
	defer func() {
		if linked < 2 {
			l.Errorf("only %d items were chosen", linked)
		}
	}()
	title := func(id, n int) string { return fmt.Sprintf("scene %d, %d", id, n) }
	for id := 1; id <= 6; id++ { // found by different rules, some of them by two
		l.stash.Change(id, titled(title(id, 0)))
		if r.IntN(2) == 0 {
			l.plex.Remove(l.keys[id])
			l.keys[id] = l.plex.AddItem(l.section, fmt.Sprintf("/mnt/%d/clip%d.mp4", r.IntN(3), id), size(id))
		}
		if r.IntN(3) == 0 {
			l.plex.AddItem(l.section, fmt.Sprintf("/copy/clip%d.mp4", id), size(id))
		}
	}
	l.reads()
	for n := range 25 {
		id, of := 1+r.IntN(6), 1+r.IntN(6)
		key := l.keys[of]
		switch r.IntN(8) {
		case 0, 1:
			_, err := l.operation("link", desk.Args{"scene_id": id, "rating_key": key}) // may be refused
			if err == nil {
				linked++
			}
			l.Log.Debug().Err(err).Int("scene", id).Str("item", key).Msg("chosen")
		case 2:
			_, err := l.operation("forget", desk.Args{"scene_id": id}) // may have no choice
			l.Log.Debug().Err(err).Int("scene", id).Msg("forgotten")
		case 3:
			if it := l.plex.Item(key); len(it.Files) > 0 {
				l.keys[of] = l.plex.Move(key, it.Files[0].Path)
			}
		case 4:
			if it := l.plex.Item(key); len(it.Files) > 0 && len(it.Files) < 3 { // a further file, perhaps of another scene
				l.plex.AddFile(key, path(id), size(id))
			}
		case 5:
			_, err := l.Engine.EnqueueAll(l.Context())
			l.must(err)
		default:
			l.edit(title(id, n), id)
		}
		before := l.byItem()
		choosers := l.choosers()
		l.run()
		for key, it := range l.byItem() {
			chooser := choosers[key]
			if chooser != 0 && it.Title != before[key].Title && !strings.HasPrefix(it.Title, fmt.Sprintf("scene %d,", chooser)) {
				l.Fatalf("step %d: item %s, chosen for scene %d, is called %q after %q", n, key, chooser, it.Title, before[key].Title)
			}
		}
		pass(time.Minute)
	}
}

// byItem returns all items of Plex by rating key.
func (l *lab) byItem() map[string]plextest.Item {
	l.Helper()
	page, err := l.Plex.List(l.Context(), plexapi.ListQuery{SectionID: l.section, Type: plexapi.Movie, Size: 100})
	l.must(err)
	items := make(map[string]plextest.Item)
	for _, it := range page.Rows {
		items[it.RatingKey] = l.plex.Item(it.RatingKey)
	}
	return items
}

// choosers returns the scenes for which items were chosen, by rating key: of an item with several chosen files, the
// scene of the first.
func (l *lab) choosers() map[string]int {
	l.Helper()
	found := make(map[string]int)
	for key, it := range l.byItem() {
		for _, f := range it.Files {
			scenes, err := chosen.Choices{Queue: l.Store, Server: l.plex.Machine()}.ByFiles(l.Context(), []string{f.Path})
			l.must(err)
			if id := scenes[f.Path]; id != 0 && found[key] == 0 {
				found[key] = id
			}
		}
	}
	return found
}
