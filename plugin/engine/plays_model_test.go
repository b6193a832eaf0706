package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// A playWorld knows what was really played, and what Stash must therefore hold.
type playWorld struct {
	*lab
	real    []realPlay
	foreign map[int][]time.Time // what a person added in Stash, by scene
	touched map[int]bool        // a person set where the scene resumes
	offsets map[int][]float64   // where Plex resumed each scene
	doubt   map[sceneSecond]bool
	undoing bool // an undo was begun
	cut     *cutter
}

type realPlay struct {
	key   string // of the history
	scene int    // 0: of no scene
	at    time.Time
	who   int
	lost  bool // from the history before it was noted
	same  bool // as another one: it counts for nothing
}

type sceneSecond struct {
	scene int
	at    int64
}

// kid is the second account that is chosen.
const kid = 1000

// newPlayWorld wraps a lab with four pushed scenes. Scene 4 has a second item. Scene 5 is not pushed yet.
func newPlayWorld(l *lab) *playWorld {
	w := &playWorld{lab: l, foreign: make(map[int][]time.Time), touched: make(map[int]bool), offsets: make(map[int][]float64), doubt: make(map[sceneSecond]bool), cut: &cutter{}}
	var err error
	w.Stash, err = stashapi.New(stashtest.Connection(), stashapi.Options{Transport: w.cut.around(l.stash.Transport())})
	l.must(err)
	w.Plex, err = plexapi.New(plexapi.Config{
		URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: w.cut.around(l.plex.Transport()),
	})
	l.must(err)
	l.plex.AddAccount("Kid", "")
	l.plex.AddAccount("Other", "")
	for range 4 {
		l.add()
	}
	l.keys[-4] = l.plex.AddItem(l.plex.AddSection("Again", "movie"), path(4), size(4))
	l.keys[0] = l.plex.AddItem(l.section, "/data/stranger.mp4", 1)
	l.edit("Clip", 1, 2, 3, 4)
	l.run()
	l.add() // a run would push it only if it were due
	l.Config.Plays = []string{"owner", "Kid"}
	l.run()
	if got, err := w.book().Accounts(l.Context()); err != nil || len(got) != 2 {
		l.Fatalf("accounts %v, %v", got, err)
	}
	pass(3 * time.Minute)
	return w
}

// A cutter ends a run before or after its nth request, as a kill does.
type cutter struct {
	left  int // requests until then; 0: never
	after bool
	end   context.CancelFunc
}

type cutTransport struct {
	*cutter
	http.RoundTripper
}

func (c *cutter) around(next http.RoundTripper) http.RoundTripper { return cutTransport{c, next} }

func (c cutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.end == nil {
		return c.RoundTripper.RoundTrip(r)
	}
	c.left--
	if c.left > 0 {
		return c.RoundTripper.RoundTrip(r)
	}
	defer c.end()
	if c.left == 0 && c.after {
		if res, err := c.RoundTripper.RoundTrip(r); err == nil {
			res.Body.Close()
		}
	}
	return nil, errors.New("killed")
}

// runs runs after a while, and ends it before or after the nth request if n is not 0.
func (w *playWorld) runs(n int, after bool) {
	w.do(n, after, func(ctx context.Context) error {
		_, err := w.Engine.Run(ctx, Options{})
		return err
	})
}

func (w *playWorld) do(n int, after bool, f func(ctx context.Context) error) {
	pass(3 * time.Minute)
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	if n > 0 {
		w.cut.left, w.cut.after, w.cut.end = n, after, cancel
	}
	err := f(ctx)
	w.cut.end = nil
	if err != nil && ctx.Err() == nil {
		w.Errorf("a run failed: %v", err)
	}
}

// playSteps are what may happen. a, b and c say to what and how.
var playSteps = map[string]func(w *playWorld, a, b, c int){
	"play": func(w *playWorld, a, b, c int) {
		w.plays(a%6, []int{plextest.Owner, kid, 1001}[b%3], time.Now(), false)
	},
	"late": func(w *playWorld, a, b, c int) {
		pass(20 * time.Minute)
		w.plays(a%4, []int{plextest.Owner, kid}[b%2], time.Now().Add(-time.Duration(c)*time.Minute), false)
	},
	"twice": func(w *playWorld, a, b, c int) { // the same clip within a minute
		w.plays(1+a%3, plextest.Owner, time.Now(), false)
		pass(time.Duration(1+c) * time.Second)
		w.plays(1+a%3, plextest.Owner, time.Now(), false)
	},
	"together": func(w *playWorld, a, b, c int) { // two accounts at the same second
		w.plays(1+a%3, plextest.Owner, time.Now(), false)
		w.plays(1+a%3, kid, time.Now(), true)
	},
	"both items": func(w *playWorld, a, b, c int) {
		pass(2 * time.Minute)
		w.plays(4, plextest.Owner, time.Now(), false)
		pass(time.Duration(1+c) * time.Second)
		w.plays(-4, plextest.Owner, time.Now(), true)
		pass(2 * time.Minute)
	},
	"foreign": func(w *playWorld, a, b, c int) { w.adds(1+a%5, time.Now()) },
	"foreign at the same second": func(w *playWorld, a, b, c int) {
		if len(w.real) == 0 {
			return
		}
		if p := w.real[a%len(w.real)]; p.scene != 0 {
			w.doubt[sceneSecond{p.scene, p.at.Unix()}] = true
			w.adds(p.scene, p.at)
		}
	},
	"stop": func(w *playWorld, a, b, c int) {
		id := 1 + a%4
		w.plex.StopAt(w.keys[id], plextest.Owner, time.Duration(10+c)*time.Second)
		w.offsets[id] = append(w.offsets[id], float64(10+c))
	},
	"session": func(w *playWorld, a, b, c int) {
		if b%2 == 0 {
			w.plex.StartSession(w.keys[1+a%4], plextest.Owner)
		} else {
			w.plex.EndSession(w.keys[1+a%4])
		}
	},
	"resume in Stash": func(w *playWorld, a, b, c int) {
		w.touched[1+a%4] = true
		w.stash.Change(1+a%4, func(s *stashtest.Scene) { s.Resume = float64(1000 + c) })
	},
	"pull":         func(w *playWorld, a, b, c int) { w.runs(0, false) },
	"kill":         func(w *playWorld, a, b, c int) { w.runs(1+a, b%2 == 0) },
	"push":         func(w *playWorld, a, b, c int) { w.edit("Pushed", 5) },
	"edit":         func(w *playWorld, a, b, c int) { w.edit(fmt.Sprint("Edited ", c), 1+a%4) },
	"days":         func(w *playWorld, a, b, c int) { pass(time.Duration(c) * time.Hour) },
	"import":       func(w *playWorld, a, b, c int) { w.importing(0, false) },
	"import, kill": func(w *playWorld, a, b, c int) { w.importing(1+a, b%2 == 0) },
	"undo":         func(w *playWorld, a, b, c int) { w.undoes2(0, false, time.Duration(c)*time.Hour) },
	"undo, kill":   func(w *playWorld, a, b, c int) { w.undoes2(1+a%8, b%2 == 0, time.Duration(c)*time.Hour) },
	"purge":        func(w *playWorld, a, b, c int) { w.loses(0); w.plex.PurgeHistory() },
	"restore": func(w *playWorld, a, b, c int) { // a backup of Plex's database
		kept := a % 8
		w.loses(kept)
		w.plex.RestoreDatabase(kept)
	},
	"plex fault": func(w *playWorld, a, b, c int) {
		prefix := []string{"/status/sessions/history", "/status/sessions", "/accounts", "/library/metadata", "/library/sections"}[a%5]
		f := []plextest.Fault{{Status: 503}, {Status: 404}, {Status: 500}, {Truncate: true}, {Reset: true}, {Status: 200, Empty: true}, {Status: 200, Body: `{"MediaContainer":{"size":0,"totalSize":9}}`}}[b%7]
		f.Prefix, f.Times = prefix, 1+c%3
		w.plex.Inject(f)
	},
	"stash fault": func(w *playWorld, a, b, c int) {
		f := []stashtest.Fault{{Status: 500}, {Reset: true}, {Truncate: true}, {Message: "no"}}[b%4]
		f.Operation, f.Times = []string{"AddPlays", "Activities", "SaveResume", "DeletePlays", "UISettings"}[a%5], 1+c%3
		w.stash.Inject(f)
	},
}

// plays lets an account play an item, of a scene or of none. Times are in whole seconds, and no two are the same by chance.
func (w *playWorld) plays(item, who int, at time.Time, same bool) {
	at = at.UTC().Truncate(time.Second)
	scene := max(item, -item)
	key := w.plex.Play(w.keys[item], who, at)
	for _, p := range w.real { // by chance, for those that come late
		same = same || p.scene == scene && p.at.Equal(at) && p.who != 1001 && !p.lost
	}
	w.real = append(w.real, realPlay{key: key, scene: scene, at: at, who: who, same: same})
}

func (w *playWorld) adds(scene int, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	w.stash.Play(scene, at)
	w.foreign[scene] = append(w.foreign[scene], at)
}

// loses notes that Plex loses the rows of its history but the first ones. Those that were noted are not lost.
func (w *playWorld) loses(kept int) {
	stored := w.states()
	there := 0
	for i := range w.real {
		p := &w.real[i]
		if p.lost {
			continue
		}
		if there++; there > kept {
			if _, noted := stored[p.id()]; !noted {
				p.lost = true
			}
		}
	}
}

func (p realPlay) id() string { return fmt.Sprint(p.key, " ", p.at.Unix(), " ", p.who) }

// states returns what became of the noted plays.
func (w *playWorld) states() map[string]book.State {
	states := make(map[string]book.State)
	for _, state := range []book.State{book.Past, book.New, book.Writing, book.Written, book.Undoing, book.Skipped, book.Dead, book.Undone} {
		for _, p := range w.noted(state) {
			states[fmt.Sprint(p.HistoryKey, " ", p.ViewedAt.Unix(), " ", p.Account)] = state
		}
	}
	return states
}

func (w *playWorld) importing(n int, after bool) {
	w.do(n, after, func(ctx context.Context) error {
		_, _, err := w.Plays(ctx, true, func(ctx context.Context, p *plays.Puller) error {
			_, err := p.Import(ctx, false, plays.Position{})
			return err
		})
		return err
	})
}

func (w *playWorld) undoes2(n int, after bool, last time.Duration) {
	w.undoing = true
	since := time.Now().Add(-last)
	w.do(n, after, func(ctx context.Context) error {
		_, _, err := w.Plays(ctx, false, func(ctx context.Context, p *plays.Puller) error {
			_, err := p.Undo(ctx, since)
			return err
		})
		return err
	})
}

// settle lets everything heal, and runs until all has come.
func (w *playWorld) settle() {
	w.plex.Heal()
	w.stash.Heal()
	for _, key := range w.keys {
		w.plex.EndSession(key)
	}
	for range 3 {
		pass(20 * time.Minute)
		w.runs(0, false)
	}
	pass(25 * time.Hour)
	w.runs(0, false)
	w.runs(0, false)
}

// check returns how Stash differs from what was really played.
func (w *playWorld) check() error {
	states := w.states()
	for id := 1; id <= 5; id++ {
		want := make(map[int64]int)
		for _, at := range w.foreign[id] {
			want[at.Unix()]++
		}
		least := maps.Clone(want)
		got, _ := w.stash.Scene(id)
		have := make(map[int64]int)
		for _, at := range got.Plays {
			have[at.Unix()]++
		}
		for _, p := range w.real {
			state := states[p.id()]
			if state == book.Skipped && !p.same { // another one at the same second may count in its place
				state = w.inPlaceOf(p, states)
			}
			switch {
			case p.scene != id || p.who == 1001 || p.lost || p.same:
			case id == 5 && state == book.New: // its item is linked to no scene
			case w.undoing && state == book.Undoing && have[p.at.Unix()] == want[p.at.Unix()]: // it was killed after it had deleted the play
			case w.undoing && state == book.Undoing:
				want[p.at.Unix()]++
			case w.undoing && (state == book.Undone || state == book.Past):
			case w.doubt[sceneSecond{id, p.at.Unix()}] && state == book.Skipped:
			case state != book.Written:
				return fmt.Errorf("the play %+v is %q", p, state)
			default:
				want[p.at.Unix()]++
			}
		}
		for at := range w.doubt { // a play that a person added while ours was on its way may count as ours
			if at.scene == id && have[at.at] >= 1 && have[at.at] >= least[at.at] && have[at.at] <= want[at.at] {
				delete(have, at.at)
				delete(want, at.at)
			}
		}
		if !maps.Equal(have, want) {
			return fmt.Errorf("scene %d has the plays %v, want %v", id, have, want)
		}
		if r := got.Resume; r != 0 && !w.touched[id] && !slices.Contains(w.offsets[id], r) {
			return fmt.Errorf("scene %d resumes at %g, where Plex never was", id, r)
		}
	}
	return nil
}

// inPlaceOf returns the state of the play that counts in place of one at the same second.
func (w *playWorld) inPlaceOf(p realPlay, states map[string]book.State) book.State {
	for _, other := range w.real {
		if other.same && other.scene == p.scene && other.at.Equal(p.at) && states[other.id()] != book.Skipped {
			return states[other.id()]
		}
	}
	return book.Skipped
}

// checkUndo undoes everything: then Stash holds what was added in Stash, and nothing else.
func (w *playWorld) checkUndo() error {
	pass(2 * time.Minute)
	w.undoes2(0, false, 1000*24*time.Hour)
	w.real = nil
	for at := range w.doubt {
		delete(w.foreign, at.scene) // its plays are compared by check above
	}
	for id := 1; id <= 5; id++ {
		got, _ := w.stash.Scene(id)
		if !w.touched[id] && got.Resume != 0 {
			return fmt.Errorf("after the undo scene %d resumes at %g", id, got.Resume)
		}
		if len(got.Plays) != len(w.foreign[id]) && w.foreign[id] != nil {
			return fmt.Errorf("after the undo scene %d has the plays %v, want %v", id, got.Plays, w.foreign[id])
		}
	}
	return nil
}

// idle returns why runs with nothing to do change something.
func (w *playWorld) idle() error {
	before := w.written()
	w.plex.Forget()
	for range 10 {
		w.runs(0, false)
	}
	writes := slices.DeleteFunc(w.plex.Requests(), func(r plextest.Request) bool { return r.Method == http.MethodGet })
	if n := w.written() - before; n > 0 || len(writes) > 0 {
		return fmt.Errorf("ten idle runs changed Stash %d times, and Plex with %v", n, writes)
	}
	return nil
}

type playStep struct {
	Do      string
	A, B, C int
}

// anyPlays draws what happens; what comes first in the list is the simplest.
func anyPlays() *rapid.Generator[[]playStep] {
	kinds := append([]string{"play", "pull", "play", "pull", "kill", "play", "stop", "pull", "late", "kill", "plex fault", "stash fault"}, slices.Sorted(maps.Keys(playSteps))...)
	small := rapid.IntRange(0, 20)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) playStep {
		return playStep{rapid.SampledFrom(kinds).Draw(t, "do"), small.Draw(t, "a"), small.Draw(t, "b"), small.Draw(t, "c")}
	}), 1, 40)
}

// happens lets steps happen in a lab and returns the first thing that is not as it must be.
func happens(t *testing.T, steps []playStep) (err error) {
	inLab(t, 0, func(l *lab) {
		w := newPlayWorld(l)
		for _, st := range steps {
			pass(time.Second)
			playSteps[st.Do](w, st.A, st.B, st.C)
		}
		w.settle()
		for _, check := range []func() error{w.check, w.idle, w.check, w.checkUndo} {
			if err == nil {
				err = check()
			}
		}
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, l.log)
		}
	})
	return err
}

// After any sequence of plays, runs, faults, kills, imports and undos Stash holds each real play once and nothing else, idle
// runs change nothing, and an undo takes away exactly what was added.
func TestTorturePlaysAgreeWithTheModel(t *testing.T) {
	given := torture(t)
	values := map[string]string{"checks": "60"}
	if given == 0 {
		values["seed"] = "1"
	}
	rapidFlags(t, values)
	for end := time.Now().Add(given / 4); ; {
		rapid.Check(t, func(rt *rapid.T) {
			if err := happens(t, anyPlays().Draw(rt, "steps")); err != nil {
				rt.Fatalf("%v", err)
			}
		})
		if given == 0 || time.Now().After(end) {
			return
		}
	}
}
