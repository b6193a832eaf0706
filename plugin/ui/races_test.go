package ui_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// A run changes the queue every few seconds. An answer that takes longer than that is shown all the same.
func TestSlowAnswersAreShownWhileARunChangesTheQueue(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	w.Inject(uitest.Fault{Mode: "jobs", Delay: 2500 * time.Millisecond})
	tab := w.Tab()
	tab.Open(queuePage)
	for i := range 8 {
		w.sql(fmt.Sprintf(`DELETE FROM job WHERE scene_id = %d`, i+1))
		look(tab)
		time.Sleep(600 * time.Millisecond)
	}
	if tab.Eval(rows) == 0. {
		t.Error("nothing is shown")
	}
	tab.WaitFor(rows+` === 1`, "the last change is not shown")
	settle(t, w.World)
	if n := strings.Count(strings.Join(w.Ops(), " "), "jobs"); n > 5 {
		t.Errorf("the list was read %d times", n)
	}
}

func TestSelectionSurvivesAnAnswerThatFails(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	tab := w.Tab()
	tab.Open(queuePage + "?state=waiting")
	for _, title := range []string{"clip1.mp4", "clip2.mp4"} {
		tab.Click(uitest.Role("checkbox", "Select "+title))
	}
	tab.Click(uitest.Button("Remove"))
	tab.Wait(uitest.Text("Remove 2 scenes?"))
	w.Inject(uitest.Fault{Mode: "jobs", Error: "no answer now", Times: 1})
	w.sql(`DELETE FROM job WHERE scene_id = 9`)
	look(tab)
	tab.Wait(uitest.Text("no answer now"))
	tab.Click(uitest.Button("Remove 2 scenes"))
	tab.Wait(uitest.Text("2 scenes removed."))
	tab.Gone(uitest.Text("no answer now"))
}

// The run may push the last rows of a list while a person changes them.
func TestChangeSaysHowItEndedWhenTheListIsEmpty(t *testing.T) {
	w, _ := newLab(t, 3)
	w.jobs(1, 3)
	tab := w.Tab()
	tab.Open(queuePage)
	tab.Click(uitest.Role("checkbox", "Select all on this page"))
	w.Inject(uitest.Fault{Mode: "retry", Delay: 2 * time.Second})
	tab.Click(uitest.Selector(".plexsync-bulk .btn-primary"))
	w.sql(`DELETE FROM job`)
	look(tab)
	tab.Wait(uitest.Text("Nothing waits"))
	tab.Wait(uitest.Text("3 scenes had left the queue."))
}

// A click on a row while another row is changed is not lost, and a double click is one.
func TestEachClickOnARowCounts(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	tab := w.Tab()
	tab.Open(queuePage + "?state=waiting")
	tab.Wait(uitest.Button("Push now"))
	w.Inject(uitest.Fault{Mode: "retry", Delay: time.Second})
	w.Forget()
	tab.Eval(`void [0, 1, 1].map((i) => document.querySelectorAll(".plexsync-row-acts > .btn:first-child")[i]).forEach((b) => b.click())`)
	tab.WaitFor(rows+` === 4`, "two rows did not leave the list")
	settle(t, w.World)
	if n := strings.Count(strings.Join(w.Ops(), " "), "retry"); n != 2 {
		t.Errorf("there were %d changes, want 2", n)
	}
}

func TestLongChangeThatIsStoppedSaysWhatItHasDone(t *testing.T) {
	w, _ := newLab(t, 1)
	w.jobs(1001, 1100)
	tab := w.Tab()
	tab.Expect("20 scenes|30 scenes|paused|broke")
	for _, end := range []uitest.Fault{
		{Mode: "postpone", Answer: `{"changed":0,"missing":0,"next":"","run_follows":false,"stopped":"paused by Ann"}`, Times: 1},
		{Mode: "postpone", Error: "it broke", Times: 1},
	} {
		w.Inject(uitest.Fault{Mode: "postpone", Answer: `{"changed":20,"missing":0,"next":"jobs/due/1/1","run_follows":false}`, Times: 1})
		w.Inject(end)
		tab.Open(queuePage)
		tab.Click(uitest.Role("checkbox", "Select all on this page"))
		tab.Click(uitest.Button("Select all 100"))
		tab.Click(uitest.Button("Postpone"))
		tab.Click(uitest.Button("In 1 minute"))
		tab.Wait(uitest.Text("Stopped after 20 scenes"))
		if body := tab.Body(); strings.Contains(body, "Nothing was changed") || !strings.Contains(body, "paused by Ann") && !strings.Contains(body, "it broke") {
			t.Errorf("the page says:\n%s", body)
		}
	}
}

// preview answers with a report that lists one scene.
func previewOf(id, scene int) string {
	return fmt.Sprintf(`{"id":%d,"kind":"preview","scene_id":0,"state":"done","stopped":"","started_at":"2026-11-01T10:00:00Z","updated_at":"2026-11-01T10:00:00Z","finished_at":"2026-11-01T10:00:00Z",
		"counts":{"would_change":1,"unchanged":0,"not_found":0,"ambiguous":0,"unread":0,"skipped":0,"bare":0,"failed":0,"by_field":{}},"capped":false,"outcome":"","next":0,
		"rows":[{"scene_id":%d,"kind":"would_change","title":"Scene %d","details":{"items":[]}}]}`, id, scene, scene)
}

// What was selected in one preview is not pushed from the next one, which may not list it.
func TestSelectionEndsWithItsPreview(t *testing.T) {
	w, _ := newLab(t, 3)
	w.jobs(1, 3)
	w.Inject(uitest.Fault{Mode: "report", Answer: previewOf(1, 1)})
	tab := w.Tab()
	tab.Open(previewPage)
	tab.Click(uitest.Role("checkbox", "Select Scene 1"))
	tab.Wait(uitest.Button("Push 1 scene"))
	w.Heal()
	w.Inject(uitest.Fault{Mode: "report", Answer: previewOf(2, 2)})
	w.sql(`DELETE FROM job WHERE scene_id = 3`)
	look(tab)
	tab.Wait(uitest.Role("checkbox", "Select Scene 2"))
	tab.Wait(uitest.Button("Push selected"))
}

func TestTypedTokenSurvivesAnAnswerThatFails(t *testing.T) {
	w, _ := newLab(t, 3)
	w.jobs(1, 3)
	tab := w.Tab()
	tab.Open("/plugins/stash-plex-sync/setup?do=token")
	tab.Fill(uitest.Selector("#plexsync-url"), "http://10.0.0.9:32400")
	w.Inject(uitest.Fault{Mode: "account", Error: "no answer now", Times: 1})
	w.sql(`DELETE FROM job WHERE scene_id = 3`)
	look(tab)
	tab.Wait(uitest.Text("no answer now"))
	if got := tab.Eval(`(document.querySelector("#plexsync-url") || {}).value`); got != "http://10.0.0.9:32400" {
		t.Errorf("the typed address is %v", got)
	}
}

// A bug in the plugin is not taken for a plugin that Stash does not know.
func TestBugOfThePluginKeepsItsReason(t *testing.T) {
	w, _ := newLab(t, 1)
	w.Inject(uitest.Fault{Mode: "jobs", Error: "a bug: runtime error: invalid memory address or nil pointer dereference"})
	tab := w.Tab()
	tab.Open(queuePage)
	tab.Wait(uitest.Text("a bug: runtime error: invalid memory address"))
}

// Addresses may be old, cut, or made up.
func TestAddressesOfNothingLeadOn(t *testing.T) {
	w, _ := newLab(t, 3)
	w.jobs(1, 3)
	tab := w.Tab()
	root := "/plugins/stash-plex-sync/"
	for _, path := range []string{
		"queue?cursor=jobs/due/1/1&state=dead", "queue?class=constructor&sort=__proto__", "queue/9/9?state=toString", "queue?cursor=-1&text=" + strings.Repeat("x", 300),
		"activity?cursor=-5", "activity?cursor=1e400&scene_id=1.5", "activity?scene_id=99999999999999999999&outcome=nonsense", "activity?scene_id=-1",
		"gaps?rows=constructor&cursor=-3", "gaps?rows=nonsense&cursor=99999999999999999999", "preview?rows=nonsense", "preview?kind=restore&rows=not_in_plex&cursor=1.5",
		"scene/-1", "scene/1e3", "scene/9007199254740991", "scene/%25%25", "setup?do=constructor", "setup?step=__proto__", "setup?tab=settings&do=server", "constructor", "check?x=%00",
	} {
		t.Run(path, func(t *testing.T) {
			tab.Open(root + path)
			tab.WaitFor(`document.querySelector(".plexsync h2") && !document.querySelector(".plexsync-loading, .plexsync-wait")`, "it loads forever")
			body := tab.Body()
			t.Logf("%.600s", body[strings.Index(body, "Stash Plex Sync"):])
			if strings.Contains(body, "was left out") || strings.Contains(body, "went wrong") {
				t.Errorf("a part failed")
			}
			if strings.Contains(body, "This could not be loaded") && !tab.Has(uitest.Button("First page")) && !tab.Has(uitest.Button("Show all")) {
				t.Error("there is no way on")
			}
		})
	}
}

func TestIconWorksWithoutStorage(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	tab := w.Tab()
	tab.Open("/scenes")
	tab.Wait(uitest.Link("Stash Plex Sync"))
	tab.Eval(`void (Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error("refused"); })`)
	w.Inject(uitest.Fault{Mode: "run", Answer: `{"queue":{"dead":2},"configured":true,"problem":"","stopped":null,"reachable":true}`})
	w.Edit(1, "A")
	w.Idle()
	tab.WaitFor(`document.querySelector(".plexsync-dot")`, "no dot")
	settle(t, w)
	w.Forget()
	w.Edit(1, "B")
	w.Idle()
	time.Sleep(500 * time.Millisecond)
	want(t, w, "a job within ten minutes")
}

// The page follows each task of the plugin, by the description that Stash gives its job.
func TestEachTaskIsKnownAsOurs(t *testing.T) {
	yml, source := read(t, "../../stash-plex-sync.yml"), read(t, "src/jobs.ts")
	found := regexp.MustCompile(`(?m)^  /(\^Running plugin task: .*\$)/;$`).FindSubmatch(source)
	if found == nil {
		t.Fatal("jobs.ts has no expression for the descriptions of tasks")
	}
	own := regexp.MustCompile(string(found[1]))
	tasks := string(yml[strings.Index(string(yml), "\ntasks:"):])
	names := regexp.MustCompile(`(?m)^  - name: (.*)$`).FindAllStringSubmatch(tasks, -1)
	if len(names) < 10 {
		t.Fatalf("the tasks are %q", names)
	}
	for _, name := range names {
		if !own.MatchString("Running plugin task: " + name[1]) {
			t.Errorf("the page does not follow %q", name[1])
		}
	}
}
