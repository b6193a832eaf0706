package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// target is a moment in a step at which a process is killed: where it reaches a point for the nth time, or with
// the nth request to Plex.
type target struct {
	step  int
	point string // name and number; "" for a request
	n     int    // number of the request
	after bool   // once the request is carried out
	text  string // of the request
}

func (t target) String() string {
	if t.point != "" {
		return t.point
	}
	return fmt.Sprintf("request %d, %s", t.n, t.name())
}

// name is what it has in common with other moments.
func (t target) name() string {
	if t.point != "" {
		name, _, _ := strings.Cut(t.point, "#")
		return name
	}
	return fmt.Sprintf("%s, after %v", t.text, t.after)
}

// result is what a step has to come to.
type result struct {
	memory map[string]string
	items  map[string]plextest.Item
}

// settle lets runs come until nothing is left but what the step says, and checks everything.
func (w *killWorld) settle(s step, began time.Time, killed bool) result {
	w.Helper()
	loose := regexp.MustCompile("^" + strings.ReplaceAll(s.left, "1", `[1-9]\d*`) + "$")
	for try := range 12 {
		if (try > 0 || !killed) && loose.MatchString(w.left()) {
			break
		}
		w.later()
		w.run()
	}
	left := w.left()
	if quick := time.Since(began) < 2*time.Second; !loose.MatchString(left) || quick && left != s.left { // else a retry may be due by itself
		w.Errorf("still to be done: %q, want %q", left, s.left)
	}
	w.heal()
	w.wantSound(s.name)
	w.wantAsStashSays(s.name, s.but...)
	if strings.Contains(left, "5:") { // each answer of 500 is an attempt, but one whose process was killed
		attempts, answers := w.row("5").attempts, w.plex.Count(http.MethodPut, "/:/rate")
		if attempts != answers && (!killed || attempts != answers-1) {
			w.Errorf("%d attempts are charged for %d failures", attempts, answers)
		}
	}
	r := result{w.memory(), make(map[string]plextest.Item)}
	for key := range w.first {
		r.items[key] = visibleOf(w.plex.Item(key))
	}
	return r
}

// wantSame compares what a step came to with what it comes to if nobody is killed.
func (w *killWorld) wantSame(got, want result) {
	w.Helper()
	for key := range want.items {
		if !reflect.DeepEqual(got.items[key], want.items[key]) {
			w.Errorf("Plex shows %s of item %s\nwithout a kill %s", asJSON(got.items[key]), key, asJSON(want.items[key]))
		}
	}
	for key := range want.memory {
		if got.memory[key] != want.memory[key] {
			w.Errorf("of item %s is remembered %s\nwithout a kill %s", key, got.memory[key], want.memory[key])
		}
	}
}

// killer is a world with the means by which its processes are killed, and what its steps come to without.
type killer struct {
	*killWorld
	steps   []step
	moments []moment // before each step
	results []result

	points string // file of the points that were reached
	target target
	asked  []plextest.Request // of Plex since it was armed
	killed int
}

// arm makes the processes tell which points they reach, and one of them be killed.
func (k *killer) arm(t target) {
	os.Remove(k.points) // there may be none
	k.plex.Forget()
	k.target, k.asked, k.killed = t, nil, 0
	k.must(os.Setenv("STASH_PLEX_SYNC_KILLPOINTS", k.points))
	k.must(os.Setenv("STASH_PLEX_SYNC_KILL", t.point))
	k.plex.Watch(func(r plextest.Request, done bool) {
		if !done {
			k.asked = append(k.asked, r)
		}
		if t.n > 0 && len(k.asked) == t.n && done == t.after && k.killed == 0 {
			k.killed = k.kill()
			panic(http.ErrAbortHandler)
		}
	})
}

// disarm ends that, and returns the points that were reached.
func (k *killer) disarm() (reached []string) {
	k.must(os.Unsetenv("STASH_PLEX_SYNC_KILLPOINTS"))
	k.must(os.Unsetenv("STASH_PLEX_SYNC_KILL"))
	k.plex.Watch(nil)
	text, err := os.ReadFile(k.points)
	if err != nil && !os.IsNotExist(err) {
		k.Fatal(err)
	}
	times := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		times[line]++
		reached = append(reached, fmt.Sprintf("%s#%d", line, times[line]))
	}
	if slices.Contains(reached, k.target.point) {
		k.killed = 1
	}
	return reached
}

// targets are where the processes of a step can be killed: at the first time that a point is reached, at one
// later time, and with each request.
func targets(i int, reached []string, asked []plextest.Request, random *rand.Rand) (list []target) {
	last := make(map[string]string)
	for _, r := range reached {
		name, turn, _ := strings.Cut(r, "#")
		if turn == "1" {
			list = append(list, target{step: i, point: r})
		} else if last[name] == "" || random.IntN(3) == 0 {
			last[name] = r
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		list = append(list, target{step: i, point: last[name]})
	}
	for n, r := range asked {
		text := r.Method + " " + r.Path
		list = append(list, target{step: i, n: n + 1, text: text})
		if r.Method != http.MethodGet { // of one that only reads it is the same
			list = append(list, target{step: i, n: n + 1, text: text, after: true})
		}
	}
	return list
}

// A process is killed wherever it can be: before and after each statement and each request. What is to be
// done is done in the end, as often as it has to be and no oftener.
func TestTortureKilledBetweenEveryTwoStatements(t *testing.T) {
	given, seed := torture(t), seeded(t)
	random := rand.New(rand.NewPCG(seed, 0))
	plugins := t.TempDir()
	if err := buildPlugin(plugins, "0", "-tags", "killpoints"); err != nil {
		t.Fatal(err)
	}
	k := &killer{killWorld: newKillWorld(t, 6, plugins), points: filepath.Join(t.TempDir(), "points"), steps: killSteps()}
	t.Setenv("STASH_PLEX_SYNC_KILL", "") // to be as it was at the end
	k.occupied()
	all := k.withNobodyKilled(random)
	names := make(map[string]bool)
	for _, one := range all {
		names[one.name()] = false
	}
	t.Logf("%d names of points and requests, %d moments at which a process can be killed", len(names), len(all))
	kills, tried, began := 0, 0, time.Now()
	for _, one := range all {
		if (given == 0 || len(names) == 0) && tried >= 10 && time.Since(began) > max(given, time.Minute) {
			break
		}
		tried++
		if k.killAt(one) {
			kills++
			delete(names, one.name())
		}
	}
	t.Logf("%d kills in %v; %d moments did not come again, %d names were not come to", kills, time.Since(began).Round(time.Second), tried-kills, len(names))
	if (tried-kills)*10 > tried || given > 0 && len(names) > 0 {
		t.Errorf("not all was tried: %v", slices.Sorted(maps.Keys(names)))
	}
}

// withNobodyKilled goes through all steps, keeps what each begins with and comes to, and returns where processes
// can be killed in them, each name once before any comes a second time.
func (k *killer) withNobodyKilled(random *rand.Rand) (all []target) {
	k.Helper()
	for i, s := range k.steps {
		k.moments = append(k.moments, k.remember())
		k.arm(target{})
		began := time.Now()
		s.do(k.killWorld)
		all = append(all, targets(i, k.disarm(), k.asked, random)...)
		k.results = append(k.results, k.settle(s, began, false))
		if k.Failed() {
			k.Fatalf("%s, with nobody killed", s.name)
		}
	}
	k.wantFirst("restored")
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	times := make(map[string]int)
	round := make(map[target]int)
	for _, one := range all {
		round[one] = times[one.name()]
		times[one.name()]++
	}
	slices.SortStableFunc(all, func(a, b target) int { return round[a] - round[b] })
	return all
}

// killAt goes back to before a step and kills a process in it. It reports whether the moment came again.
func (k *killer) killAt(one target) bool {
	k.Helper()
	s, restore := k.steps[one.step], k.steps[len(k.steps)-1]
	k.goBack(k.moments[one.step])
	k.arm(one)
	began := time.Now()
	s.do(k.killWorld)
	k.disarm()
	if free := k.free(); free > 0 {
		k.Errorf("%d jobs are due again at once", free)
	}
	if s.again {
		s.do(k.killWorld)
	}
	k.wantSame(k.settle(s, began, true), k.results[one.step])
	restore.do(k.killWorld)
	k.wantFirst("restored")
	if k.Failed() {
		k.Fatalf("killed in %q at %v", s.name, one)
	}
	return k.killed > 0
}

// free counts jobs of a claim that was killed that are due at once.
func (w *killWorld) free() (n int) {
	w.Helper()
	if _, err := os.Stat(w.database()); err != nil {
		return 0
	}
	return w.count(fmt.Sprintf("job WHERE unfinished > 0 AND due_at <= %d", time.Now().UnixMilli()))
}
