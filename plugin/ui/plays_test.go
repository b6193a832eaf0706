package ui_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const playsPage = "/plugins/stash-plex-sync/plays"

// playsWorld is a world in which the scenes, with these titles, are pushed, and plays are imported for whose.
func playsWorld(t *testing.T, whose string, titles ...string) lab {
	t.Helper()
	w := lab{uitest.NewWorld(t, len(titles))}
	kid := w.Plex.AddAccount("Kid", "")
	if kid != theKid {
		t.Fatalf("the account of the child is %d", kid)
	}
	for i, name := range titles {
		title(w.World, i+1, name)
		push(w.World, i+1)
	}
	if whose != "" {
		w.Settings(map[string]any{"85plays": whose})
		w.Op("pull", map[string]any{"now": true})
	}
	return w
}

const theKid = 1000

// watch lets an account watch the video of a scene to its end, as long after now as it is after the pull that began.
func (w lab) watch(scene, account int, ago time.Duration) {
	w.Plex.Play(w.Keys[scene], account, time.Now().Add(-ago))
}

// aged makes the last pull older than two minutes.
func (w lab) aged() {
	w.Helper()
	w.sql(`UPDATE meta SET at = at - 600000 WHERE key = 'plays_pulled'`)
}

// past moves the time since when plays count.
func (w lab) past(d time.Duration) {
	w.Helper()
	w.sql(`UPDATE play_account SET since = since - ?`, int64(d.Seconds()))
}

func (w lab) played(scene int) int {
	s, _ := w.Stash.Scene(scene)
	return len(s.Plays)
}

func TestPlaysAreOffAndSwitchedOnByTheNameOfAnAccount(t *testing.T) {
	w := playsWorld(t, "", "The coast", "The hills")
	tab := w.Tab()
	w.Forget()
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Plays are not imported."))
	w.wantOps("plays", "run")
	tab.Looks("plays-off")
	tab.Click(uitest.Button("Choose accounts…"))
	tab.Wait(uitest.Role("checkbox", "Kid"))
	tab.Looks("plays-choose")
	tab.Click(uitest.Role("checkbox", "owner"))
	tab.WaitFor(`uitest.byRole("button", "Switch on").disabled`, "nobody can be chosen")
	tab.Click(uitest.Role("checkbox", "Kid"))
	tab.Click(uitest.Button("Switch on"))
	tab.Wait(uitest.Text("What Kid watches in Plex counts in Stash"))
	tab.Wait(uitest.Text("Last pull from Plex:"))
	if got := w.Stash.Settings(stashtest.PluginID)["85plays"]; got != "Kid" {
		t.Errorf("the setting is %v", got)
	}
	tab.Click(uitest.Button("Choose accounts…"))
	tab.Click(uitest.Role("checkbox", "Kid"))
	tab.Click(uitest.Role("checkbox", "owner"))
	tab.Click(uitest.Button("Save"))
	tab.Wait(uitest.Text("What owner watches in Plex counts in Stash"))
	if got := w.Stash.Settings(stashtest.PluginID)["85plays"]; got != "on" {
		t.Errorf("the setting is %v", got)
	}
	tab.Wait(uitest.Text("Nothing is imported yet"))
	tab.Gone(uitest.Text("The accounts are saved"))
	tab.Looks("plays-none")
	tab.Click(uitest.Button("Switch off"))
	tab.Wait(uitest.Text("Stop importing plays?"))
	tab.Click(uitest.Selector(".modal .btn-primary"))
	tab.Wait(uitest.Text("Plays are not imported."))
	if got, there := w.Stash.Settings(stashtest.PluginID)["85plays"]; there {
		t.Errorf("the setting is %v", got)
	}
	tab.Clean()
}

func TestPlaysArriveWhenTheViewIsOpened(t *testing.T) {
	w := playsWorld(t, "owner, Kid", "A walk along the coast", "The hills at dawn", "Rain in the city")
	other := w.Plex.AddItem(w.Section, "/data/videos/elsewhere.mp4", 77)
	w.past(time.Hour)
	w.watch(1, plextest.Owner, 9*time.Minute)
	w.watch(2, theKid, 5*time.Minute)
	w.Plex.Play(other, plextest.Owner, time.Now().Add(-3*time.Minute))
	w.Stash.Play(3, time.Now().Add(-7*time.Minute).Truncate(time.Second))
	s, _ := w.Stash.Scene(3)
	w.Plex.Play(w.Keys[3], plextest.Owner, s.Plays[0])
	tab := w.Tab()
	w.Forget()
	tab.Open(playsPage) // the last pull was just now
	tab.Wait(uitest.Text("Nothing is imported yet"))
	w.wantOps("plays", "run")
	w.aged()
	w.Forget()
	tab.Open(playsPage)
	tab.Wait(uitest.Link("The hills at dawn"))
	tab.Wait(uitest.Link("A walk along the coast"))
	if got := slices.Compact(slices.Sorted(slices.Values(w.Ops()))); !slices.Equal(got, []string{"plays", "pull", "run"}) {
		t.Errorf("the view called %v", w.Ops())
	}
	if w.played(1) != 1 || w.played(2) != 1 || w.played(3) != 1 {
		t.Errorf("Stash has %d, %d and %d plays", w.played(1), w.played(2), w.played(3))
	}
	tab.Looks("plays-imported")
	tab.Click(uitest.Link("Waiting"))
	tab.Wait(uitest.Text("linked to no scene"))
	if path := tab.Path(); path != playsPage+"?state=new" {
		t.Errorf("the address is %s", path)
	}
	tab.Looks("plays-waiting")
	tab.Open(playsPage + "?state=skipped")
	tab.Wait(uitest.Text("Stash has this play already"))
	tab.Looks("plays-skipped")
	w.watch(1, theKid, time.Minute)
	tab.Click(uitest.Button("Pull now"))
	tab.Wait(uitest.Text("1 play added to Stash"))
	if w.played(1) != 2 {
		t.Error("Pull now imports nothing")
	}
	tab.Click(uitest.Button("Pull now"))
	tab.Wait(uitest.Text("Nothing new was watched"))
	w.Settings(nil)
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Plays are not imported."))
	tab.Wait(uitest.Text("Undo the import"))
	tab.Open("/scenes/1")
	tab.Click(uitest.Role("tab", "Plex"))
	tab.Wait(uitest.Text("Watched in Plex"))
	tab.Wait(uitest.Text("Kid"))
	tab.Looks("plays-scene")
	tab.Clean()
}

func TestPlaysAreListedInPages(t *testing.T) {
	w := playsWorld(t, "on", "The coast")
	w.past(time.Hour)
	for i := range 60 {
		w.watch(1, plextest.Owner, time.Duration(i+1)*30*time.Second)
	}
	w.Op("pull", map[string]any{"now": true})
	tab := w.Tab()
	tab.Expect("cursor")
	tab.Open(playsPage)
	tab.WaitFor(rows+` === 50`, "no page of 50 plays")
	tab.Click(uitest.Button("Next page"))
	tab.WaitFor(`/cursor=/.test(location.search) && `+rows+` === 10`, "no second page")
	tab.Reload()
	tab.WaitFor(rows+` === 10`, "a reload leads elsewhere")
	tab.Click(uitest.Link("Imported"))
	tab.WaitFor(`location.search === "" && `+rows+` === 50`, "the state does not begin at its first page")
	tab.Open(playsPage + "?cursor=nonsense&state=x")
	tab.Wait(uitest.Text("This could not be loaded"))
}

func TestEarlierPlaysAreCountedImportedAndUndone(t *testing.T) {
	w := playsWorld(t, "on", "The coast", "The hills", "The rain")
	other := w.Plex.AddItem(w.Section, "/data/videos/elsewhere.mp4", 77)
	for i := range 4 {
		w.watch(1+i%3, plextest.Owner, time.Duration(40+100*i)*24*time.Hour)
	}
	w.watch(1, theKid, 50*24*time.Hour)
	w.Plex.Play(other, plextest.Owner, time.Now().Add(-1000*time.Hour))
	tab := w.Tab()
	tab.Open(playsPage)
	release := w.Stash.Hold("Scanning...")
	tab.Click(uitest.Button("Count earlier plays"))
	tab.Wait(uitest.Text("Waits for “Scanning...” in Stash's queue"))
	tab.Looks("plays-count-waits")
	release()
	tab.Wait(uitest.Text("Plex has 5 plays that Stash has not got"))
	tab.Wait(uitest.Text("1 linked to no scene"))
	tab.Looks("plays-counted")
	if n := w.played(1) + w.played(2) + w.played(3); n != 0 {
		t.Errorf("counting imported %d plays", n)
	}
	tab.Click(uitest.Button("Import 5 plays"))
	tab.Wait(uitest.Text("Import 5 plays?"))
	tab.Looks("plays-import")
	tab.Click(uitest.Selector(".modal .btn-primary"))
	tab.Gone(uitest.Text("Import 5 plays"))
	tab.WaitFor(rows+` === 4`, "the imported plays are not listed")
	if w.played(1) != 2 || w.played(2) != 1 || w.played(3) != 1 {
		t.Errorf("Stash has %d, %d and %d plays", w.played(1), w.played(2), w.played(3))
	}
	w.Stash.Play(1, time.Now().Add(-time.Hour)) // a play from elsewhere
	tab.Click(uitest.Button("Undo…"))
	tab.Wait(uitest.Text("touches no play"))
	tab.Click(uitest.Role("radio", "Only what was added to Stash at this time or later:"))
	tab.WaitFor(`uitest.byRole("button", "Take away what was added since").disabled`, "no time is needed")
	tab.Looks("plays-undo")
	setTime(tab, time.Now().Add(time.Hour))
	tab.Click(uitest.Button("Take away what was added since"))
	tab.Gone(uitest.Role("dialog", ""))
	w.Idle()
	if w.played(1) != 3 {
		t.Errorf("Stash has %d plays of scene 1 after an undo since a later time", w.played(1))
	}
	tab.Click(uitest.Button("Undo…"))
	tab.Click(uitest.Role("radio", "All: 4 plays, and the resume points that were set"))
	tab.Click(uitest.Button("Take away 4 plays"))
	tab.Wait(uitest.Text("Nothing is imported yet"))
	if w.played(1) != 1 || w.played(2)+w.played(3) != 0 {
		t.Errorf("Stash has %d, %d and %d plays after the undo", w.played(1), w.played(2), w.played(3))
	}
	tab.Click(uitest.Link("Taken back"))
	tab.WaitFor(rows+` === 4`, "the plays that were taken back are not listed")
	tab.Looks("plays-undone")
	tab.Wait(uitest.Text("plays from before are known so far"))
}

// setTime enters a time of the browser's zone.
func setTime(tab *uitest.Tab, at time.Time) {
	tab.Helper()
	tab.Eval(fmt.Sprintf(`(() => {
		const e = document.querySelector(".plexsync-plays-time"), at = new Date(%d);
		at.setMinutes(at.getMinutes() - at.getTimezoneOffset());
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(e, at.toISOString().slice(0, 19));
		e.dispatchEvent(new Event("input", {bubbles: true}));
	})()`, at.UnixMilli()))
}

func TestPlaysSayWhyNothingIsImported(t *testing.T) {
	w := playsWorld(t, "on", "The coast")
	tab := w.Tab()
	w.Stash.SetUI(map[string]any{"trackActivity": false})
	w.aged()
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Stash is set not to track activity"))
	tab.Looks("plays-tracking")
	w.Stash.SetUI(map[string]any{"trackActivity": true})
	w.Settings(map[string]any{"85plays": "Nobody"})
	w.aged()
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Plex has no account"))
	tab.Looks("plays-unknown")
	tab.Click(uitest.Selector(".plexsync-warning .btn-primary"))
	tab.Click(uitest.Role("checkbox", "Kid"))
	tab.Click(uitest.Button("Save"))
	tab.Wait(uitest.Text("What Kid watches in Plex counts in Stash"))
	tab.Gone(uitest.Text("Nothing is imported now"))
}

func TestPlaysWhenPlexIsOffOrPushingPaused(t *testing.T) {
	w := playsWorld(t, "on", "The coast")
	w.past(time.Hour)
	w.watch(1, plextest.Owner, 5*time.Minute)
	w.aged()
	w.Op("pause", map[string]any{"by": "Ann"})
	tab := w.Tab()
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Nothing is imported while pushing is paused."))
	tab.Looks("plays-paused")
	if slices.Contains(w.Ops(), "pull") {
		t.Error("a paused view pulls")
	}
	w.Op("resume", nil)
	w.Plex.Stop()
	tab.Open(playsPage)
	tab.Wait(uitest.Text("Plex does not answer."))
	tab.Looks("plays-plex-off")
	tab.Click(uitest.Button("Choose accounts…"))
	tab.Wait(uitest.Text("Plex did not say which accounts it has"))
	tab.Looks("plays-choose-off")
}

func TestSettingOfPlaysIsEdited(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := openSettings(w, map[string]any{"85plays": `Kid, "A, b"`})
	tab.Wait(uitest.Text("What comes back from Plex"))
	tab.Wait(uitest.Text("A, b"))
	tab.Click(uitest.Button("Remove Kid"))
	tab.Fill(field("plays"), "1001")
	tab.Press("\r")
	tab.Shot("plays-settings-1280")
	saveAll(tab)
	if got := w.Stash.Settings(stashtest.PluginID)["85plays"]; got != `"A, b", 1001` {
		t.Errorf("the setting is %v", got)
	}
	tab.Click(uitest.Link("Choose accounts and see what is imported"))
	tab.WaitFor(`location.pathname === "`+playsPage+`"`, "the link leads elsewhere")
}
