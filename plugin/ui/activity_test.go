package ui_test

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// attempts logs n attempts of each outcome for the scenes 1 to 9, over the last days.
func (w lab) attempts() {
	w.Helper()
	w.sql(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119)
		INSERT INTO attempt_log (scene_id, at, outcome, class, error, reason, fields, took_ms)
		SELECT 1 + i % 9, ?1 - (119 - i) * 2400000, x.value ->> 0, x.value ->> 1, x.value ->> 2, x.value ->> 3, x.value ->> 4, 20 + i * 37 FROM n, json_each(?2) x WHERE x.key = i % 9`,
		time.Now().UnixMilli(), `[["synced","","","","title,details,performers,tags,groups"],
		["miss","not_found","no item in Plex has the file /data/videos/2/clip2.mp4 yet","{\"code\":\"not_in_plex\",\"params\":{\"path\":\"/data/videos/2/clip2.mp4\"}}",""],
		["retry","temporary","cannot edit item 1003: Plex answered 500 Internal Server Error","{\"code\":\"plex_error\",\"params\":{\"status\":\"500\"}}",""],
		["snooze","unready","library \"Videos\" has not been read completely","{\"code\":\"library_not_read\",\"params\":{\"path\":\"/data/x.mp4\",\"setting\":\"plexLibraries\"}}",""],
		["release","server_down","Plex cannot be reached","{\"code\":\"plex_unreachable\"}",""],
		["bury","rejected","Plex refuses the value of title","{\"code\":\"value_refused\",\"params\":{\"field\":\"title\"}}",""],
		["skipped","skipped","its tag is excluded","{\"code\":\"excluded_tag\",\"params\":{\"excluded\":\"Private\",\"setting\":\"excludeTags\",\"tag\":\"Private\"}}",""],
		["gone","gone","the scene is no longer in Stash","{\"code\":\"gone_from_stash\"}",""],
		["restored","","","","title"]]`)
}

func TestActivityShowsWhatHappenedByDay(t *testing.T) {
	w, _ := newLab(t, 9)
	tab := w.Tab()
	tab.Open(activityPage)
	tab.Wait(uitest.Text("Nothing has happened yet"))
	tab.Looks("activity-empty")
	w.attempts()
	w.Forget()
	tab.Open(activityPage)
	tab.Wait(uitest.Text("details"))
	w.wantOps("activity", "run")
	if n := tab.Eval(`document.querySelectorAll(".plexsync-row").length`); n != 50.0 {
		t.Errorf("the page shows %v rows", n)
	}
	if n := tab.Eval(`document.querySelectorAll("h3").length`); n.(float64) < 2 {
		t.Errorf("the page shows %v days", n)
	}
	tab.Looks("activity")

	tab.Click(uitest.Button("Next page"))
	tab.WaitFor(`/cursor=71/.test(location.search)`, "no second page")
	tab.WaitFor(`document.querySelectorAll(".plexsync-row").length === 50`, "no rows")
	tab.Choose(uitest.Role("combobox", "Outcome"), "Left out")
	tab.WaitFor(`location.search === "?outcome=skipped"`, "the filter is not in the address")
	tab.WaitFor(`[...document.querySelectorAll(".plexsync-row .badge")].every((b) => b.innerText.trim() === "Left out")`, "other outcomes are shown")
	tab.Reload()
	tab.WaitFor(`document.querySelectorAll(".plexsync-row").length === 13`, "the filter is lost")
	tab.Fill(uitest.Role("textbox", "Scene"), "7")
	tab.Press("\r")
	tab.WaitFor(`location.search === "?outcome=skipped&scene_id=7"`, "the scene is not in the address")
	tab.Back()
	tab.WaitFor(`location.search === "?outcome=skipped" && document.querySelectorAll(".plexsync-row").length === 13`, "Back does not lead to the filter before")
	tab.Fill(uitest.Role("textbox", "Scene"), "4711")
	tab.Press("\r")
	tab.Wait(uitest.Text("Nothing matches"))
	tab.Click(uitest.Button("Show all"))
	tab.WaitFor(`document.querySelectorAll(".plexsync-row").length === 50`, "no rows")
	tab.Clean()
}

// New attempts appear on the first page. A later page stays as it is.
func TestActivityIsCurrentOnItsFirstPage(t *testing.T) {
	w, release := newLab(t, 9)
	release()
	w.attempts()
	first, later := w.Tab(), w.Tab()
	first.Open(activityPage)
	first.Wait(uitest.Text("details"))
	later.Open(activityPage + "?cursor=71")
	later.Wait(uitest.Text("details"))
	before := later.Eval(`document.querySelector(".plexsync-list").innerText.replace(/\d+ (second|minute)s?/g, "")`)
	w.Edit(5, "Pushed just now")
	w.Idle()
	first.Wait(uitest.Link("Pushed just now"))
	later.Eval(`new Promise((done) => setTimeout(done, 2000))`)
	if after := later.Eval(`document.querySelector(".plexsync-list").innerText.replace(/\d+ (second|minute)s?/g, "")`); after != before {
		t.Errorf("a later page changed from %v to %v", before, after)
	}
}
