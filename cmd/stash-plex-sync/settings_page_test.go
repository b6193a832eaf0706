package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func TestSettingsAreDataWithWhatTheyChoose(t *testing.T) {
	w := newWorld(t, 3)
	w.plex.AddItem(w.plex.AddSection("Series", "show"), "/data/s.mp4", 5)
	w.plex.AddSection("Music", "artist")
	w.plex.Configure(func(o *plextest.Options) { o.Agent = "tv.plex.agents.movie" })
	w.stash.Name("tag", 101, "Private")
	w.stash.Name("tag", 102, "Below")
	w.stash.SetParents(102, 101)
	w.settings(map[string]any{"excludeTags": "Private", "maxRetries": 1000.0, "plexurl": "x"})
	read := func() (map[string]any, string) {
		t.Helper()
		out := w.op(asked("settings"))
		whole, err := json.Marshal(out)
		w.must(err)
		if strings.Contains(string(whole), token) {
			t.Errorf("the token is in the answer: %s", whole)
		}
		return out, string(whole)
	}
	read() // creates the queue
	before := w.dump()
	_, whole := read()
	for _, want := range []string{
		`{"default":5,"key":"60maxRetries","kind":"number","label":"Retries","name":"maxRetries","problems":[{"remedy":"enter an integer from 1 to 100 (0 or empty means 5)"`,
		`"value":{"length":"usual","set":true}`, `"unknown":["plexurl"]`,
		`"tags":[{"below":false,"id":101,"setting":"Private"},{"below":true,"id":102,"setting":"Private"}]`,
		`"plex":{"reachable":true,"reason":null,"why":""}`,
		`"chosen":true,"id":"1"`, `"size":3,"title":"Videos","type":"movie","why":""`, `"online":true`,
		`"size":1,"title":"Series","type":"show","why":"\"Plex libraries\" (plexLibraries) is empty, which means all movie libraries"`,
		`"size":null,"title":"Music","type":"artist","why":"it contains no videos (its type is artist)"`,
	} {
		if !strings.Contains(whole, want) {
			t.Errorf("the answer lacks %s\n%s", want, whole)
		}
	}
	if after := w.dump(); after != before {
		t.Errorf("the queue was\n%s\nand is\n%s", before, after)
	}
	w.settings(map[string]any{"plexLibraries": "Series"})
	if _, whole = read(); !strings.Contains(whole, `"title":"Videos","type":"movie","why":"\"Plex libraries\" (plexLibraries) does not name it"`) {
		t.Errorf("a library that is not named: %s", whole)
	}
	w.plex.Inject(plextest.Fault{Hang: true})
	began := time.Now()
	out, _ := read()
	if plex := out["plex"].(map[string]any); out["libraries"] != nil || plex["reachable"] != false || plex["why"] == "" || time.Since(began) > 7*time.Second {
		t.Errorf("Plex does not answer: %v after %v", plex, time.Since(began))
	}
	w.settings(map[string]any{"plexUrl": ""})
	if out, _ = read(); out["libraries"] != nil || !strings.Contains(fmt.Sprint(out["plex"]), "is not set") {
		t.Errorf("without an address: %v", out["plex"])
	}
}
