package plextest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func TestFilterBySize(t *testing.T) {
	s, section := open(t)
	var all []string
	for _, size := range []int64{5, 7, 9} {
		all = append(all, s.AddItem(section, "/a.mp4", size))
	}
	s.AddFile(all[0], "/b.mp4", 7) // another version
	s.Edit(all[2], func(it *plextest.Item) { it.Files = append(it.Files, plextest.File{Path: "/c.mp4", Size: 4}) })
	listing := "/library/sections/" + section + "/all?type=1&sort=id&"
	for query, want := range map[string]string{
		"mediaSize=5":           all[0],
		"mediaSize=7":           all[0] + " " + all[1],
		"mediaSize=9":           "", // only one of two parts
		"mediaSize=13":          all[2],
		"mediaSize=5,13":        all[0] + " " + all[2],
		"mediaSize!=7":          all[0] + " " + all[2],
		"mediaSize%3E%3E=7":     all[2],
		"mediaSize%3C%3C=7":     all[0],
		"mediaSize=6":           "",
		"includeCollections=0&": strings.Join(all, " "),
	} {
		if got := strings.Join(keys(t, s, listing+query), " "); got != want {
			t.Errorf("%s: items %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"file=/a.mp4", "Media.Part.size=5", "mediaSize%3E=5", "mediaSize==5", "mediaSize=5MB", "mediaSize="} {
		want(t, s, http.StatusBadRequest, "GET", listing+query)
	}
	s.Configure(func(o *plextest.Options) { o.SizeFilter = "ignored" })
	if got := keys(t, s, listing+"mediaSize=5"); len(got) != 3 {
		t.Errorf("ignored: items %v, want all", got)
	}
	s.Configure(func(o *plextest.Options) { o.SizeFilter = "refused" })
	want(t, s, http.StatusBadRequest, "GET", listing+"mediaSize=5")
}
