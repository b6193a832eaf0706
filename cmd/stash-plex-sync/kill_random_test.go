package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// chaos is a world in which edits of all sorts go on while processes are killed.
type chaos struct {
	*killWorld
	random  *rand.Rand
	edits   int
	kills   atomic.Int64
	crashed int // dead letters of jobs on which processes died four times in a row
	next    int // id of a new scene
}

// kill ends a process of the plugin now and then, whichever it is, until stop is closed.
func (c *chaos) killUntil(stop <-chan struct{}, random *rand.Rand) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(random.IntN(60)) * time.Millisecond):
		}
		if pids := c.host.Processes(); len(pids) > 0 && killProcess(pids[random.IntN(len(pids))]) {
			c.kills.Add(1)
		}
	}
}

// someScenes are different scenes of Stash, so many at most.
func (c *chaos) someScenes(most int) []int {
	ids := slices.Sorted(maps.Keys(c.keys))
	c.random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids[:1+c.random.IntN(min(most, len(ids)))]
}

// change gives a scene other values in some fields, or none.
func (c *chaos) change(s *stashtest.Scene) {
	c.edits++
	some := func(texts ...string) string { return texts[c.random.IntN(len(texts))] }
	several := func() (ids []int) {
		for id := 1; id <= 2; id++ {
			if c.random.IntN(2) == 0 {
				ids = append(ids, id)
			}
		}
		return ids
	}
	for range 3 {
		switch c.random.IntN(9) {
		case 0, 1:
			s.Title = some("", fmt.Sprint("Title ", c.edits), fmt.Sprint("T", c.edits))
		case 2:
			s.Details = some("", fmt.Sprint("Text\n\n", c.edits))
		case 3:
			s.Date, s.Director = some("2024-05-06", "2023-01-01"), some("", "Dee", "Ann")
		case 4:
			s.Performers, s.Groups = several(), several()
		case 5:
			s.Tags = several()
		case 6:
			s.Studio = c.random.IntN(3)
		case 7:
			stars := 5 * c.random.IntN(21)
			if s.Rating100 = &stars; stars == 0 {
				s.Rating100 = nil
			}
		case 8:
			s.Cover = jpeg(some("a cover", "another cover"))
		}
	}
}

// act does one of the things that happen to a Stash.
func (c *chaos) act() {
	ctx := c.context()
	switch c.random.IntN(12) {
	case 0, 1, 2, 3:
		c.host.Update(ctx, c.someScenes(1)[0], c.change)
	case 4, 5:
		c.host.BulkUpdate(ctx, c.someScenes(5), c.change)
	case 6:
		c.stash.Change(c.someScenes(1)[0], c.change)
	case 7:
		c.rename([]string{"performer", "studio", "tag", "group"}[c.random.IntN(4)], 1+c.random.IntN(2))
	case 8: // the scene goes, and its file comes back as another; a cover that is none any more stays in Plex
		id := c.someScenes(1)[0]
		scene, _ := c.stash.Scene(id)
		c.host.Destroy(ctx, id)
		c.next++
		c.keys[c.next] = c.keys[id]
		delete(c.keys, id)
		c.host.Create(ctx, stashtest.Scene{ID: c.next, Title: fmt.Sprint("Created ", c.next), Files: scene.Files, Tags: scene.Tags, Cover: scene.Cover})
	case 9:
		c.host.RunTask("Process queue", nil)
	case 10:
		c.try(map[string]any{"mode": "sync-scene", "scene_id": c.someScenes(1)[0]})
	case 11: // for a while no task runs, and edits are pushed at once
		release := c.stash.Hold("Scanning...")
		for range 5 {
			c.host.Update(ctx, c.someScenes(1)[0], c.change)
		}
		release()
	}
}

// rename renames something, until a hook tells of it that was not killed: Stash's scenes do not show it, so
// that nobody else can find out.
func (c *chaos) rename(kind string, id int) {
	for {
		c.edits++
		kills := c.kills.Load()
		c.host.UpdateNamed(c.context(), kind, id, fmt.Sprint("Name ", c.edits))
		if c.kills.Load() == kills {
			return
		}
	}
}

// rage lets edits and kills go on for a while.
func (c *chaos) rage(d time.Duration) {
	stop := make(chan struct{})
	var killing sync.WaitGroup
	random := rand.New(rand.NewPCG(c.random.Uint64(), 0))
	killing.Go(func() { c.killUntil(stop, random) })
	for began := time.Now(); time.Since(began) < d; {
		c.act()
	}
	close(stop)
	killing.Wait()
}

// calm lets everything come to its end without a kill.
func (c *chaos) calm() {
	c.Helper()
	release := c.stash.Hold("Scanning...")
	defer release()
	defer c.stash.Hold("Generating...")()
	c.until(func() bool { return len(c.host.Processes()) == 0 })
	for try := 0; try < 30 && (try == 0 || c.left() != ""); try++ {
		if n := c.count("dead_letter WHERE class = 'crashed' AND unfinished = 4"); n > 0 { // they died on it, as is said of them
			c.crashed += n
			c.try(map[string]any{"mode": "retry-dead", "class": "crashed"})
		}
		c.later()
		c.pass(10 * time.Minute)
		c.run()
	}
	if left := c.left(); left != "" {
		c.Errorf("still to be done: %s", left)
	}
	c.wantSound("afterwards")
	c.wantAsStashSays("afterwards")
	if n := c.count("attempt_log WHERE outcome IN ('retry', 'miss', 'bury')"); n > c.crashed {
		c.Errorf("%d attempts or misses were charged, and nothing failed", n)
	}
}

// Whenever a process is killed, everything arrives in the end, and nothing of anybody else's is lost.
func TestTortureKilledAtRandomInstants(t *testing.T) {
	given, seed := torture(t), seeded(t)
	t.Run("the plugin", func(t *testing.T) { killPlugin(t, given*3/4, rand.New(rand.NewPCG(seed, 1))) })
	t.Run("Stash", func(t *testing.T) { killStash(t, given/4, rand.New(rand.NewPCG(seed, 2))) })
}

// killPlugin kills processes of the plugin for a while, and at least so many.
func killPlugin(t *testing.T, given time.Duration, random *rand.Rand) {
	const n = 12
	c := &chaos{killWorld: newKillWorld(t, n, pluginDir), random: random, next: 100}
	c.run() // what a Stash holds when it is seen for the first time is not pushed
	c.plex.Inject(plextest.Fault{Delay: 2 * time.Millisecond})
	began, least := time.Now(), int64(1000)
	if given == 0 {
		least = 30
	}
	for c.kills.Load() < least || time.Since(began) < given {
		c.host.BulkUpdate(c.context(), slices.Sorted(maps.Keys(c.keys)), c.change) // by hand: restored scenes are pushed again only then
		c.rage(max(8*time.Second, min(given, 20*time.Second)))
		c.calm()
		c.try(map[string]any{"mode": "restore"})
		c.wantFirst("restored")
		if t.Failed() {
			t.Fatalf("after %d kills and %d edits", c.kills.Load(), c.edits)
		}
	}
	t.Logf("%d kills among %d edits; %d dead letters of jobs on which four processes died, all revived", c.kills.Load(), c.edits, c.crashed)
}
