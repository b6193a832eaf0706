package plextest_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func refresh(section, path string) string {
	if path != "" {
		path = "?path=" + url.QueryEscape(path)
	}
	return "/library/sections/" + section + "/refresh" + path
}

func TestScanFindsFilesBelowItsFolder(t *testing.T) {
	for _, c := range []struct {
		path  string
		found bool
	}{
		{"", true},
		{"/data", true},
		{"/data/a b", true},
		{"/data/a b/", true},
		{"/data/a b/c", true},
		{`\data\a b\c`, true},
		{"/data/a b/c/x.mp4", false}, // a file
		{"/data/a b/c/d", false},
		{"/data/a", false},
		{"/", false}, // not in the library
		{"/more", false},
	} {
		s := plextest.New("token")
		section := s.AddSection("Videos", "movie", "/data", "/other")
		s.AddSection("More", "movie", "/more")
		s.AddHidden(section, "/data/a b/c/x.mp4", 7)
		s.AddHidden(section, "/more/y.mp4", 7)
		want(t, s, 200, "GET", refresh(section, c.path))
		want(t, s, 200, "GET", refresh(section, c.path))
		found := keys(t, s, "/library/sections/"+section+"/all?type=1")
		if (len(found) == 1) != c.found || len(found) > 1 {
			t.Errorf("a scan of %q finds %v", c.path, found)
		}
		if c.found && s.Item(found[0]).Files[0] != (plextest.File{Path: "/data/a b/c/x.mp4", Size: 7}) {
			t.Errorf("found: %+v", s.Item(found[0]))
		}
		if got := s.Scans(); !slices.Equal(got, []plextest.Scan{{Section: section, Path: c.path}, {Section: section, Path: c.path}}) {
			t.Errorf("scans = %v", got)
		}
	}
}

func TestFileThatAScanMissedIsFoundByTheNext(t *testing.T) {
	s, section := open(t)
	s.AddHidden(section, "/data/x.mp4", 1)
	want(t, s, 200, "GET", refresh(section, "/data/else"))
	want(t, s, 200, "GET", refresh(section, "/data"))
	if found := keys(t, s, "/library/sections/"+section+"/all?type=1"); len(found) != 1 {
		t.Errorf("found: %v", found)
	}
}

func TestScanAcceptsOneMethod(t *testing.T) {
	s, section := open(t)
	want(t, s, 404, "GET", refresh("77", ""))
	want(t, s, 404, "POST", refresh(section, ""))
	s.Configure(func(o *plextest.Options) { o.ScanIsPost = true })
	want(t, s, 404, "GET", refresh(section, ""))
	want(t, s, 200, "POST", refresh(section, ""))
	if len(s.Scans()) != 1 || s.Careless() != 0 {
		t.Errorf("scans = %v, %d careless", s.Scans(), s.Careless())
	}
	want(t, s, 200, "POST", refresh(section, "/data")+"&force=1")
	if s.Careless() != 1 {
		t.Error("a scan that refreshes everything is not counted")
	}
}

func TestLibrariesListTheirFolders(t *testing.T) {
	s := plextest.New("token")
	s.AddSection("A", "movie")
	s.AddSection("B", "movie", `D:\x`, "/y")
	for i, frozen := range []bool{false, true} {
		s.Configure(func(o *plextest.Options) { o.Frozen = frozen })
		var got []string
		for _, d := range container(t, s, "/library/sections")["Directory"].([]any) {
			for _, l := range d.(map[string]any)["Location"].([]any) {
				got = append(got, fmt.Sprint(l.(map[string]any)["path"]))
			}
		}
		if !slices.Equal(got, []string{"/data", `D:\x`, "/y"}) {
			t.Errorf("%d: folders %q", i, got)
		}
	}
}

func TestClearingATitleIsCareless(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	want(t, s, 200, "PUT", edit(section, key, "title.value", "x"))
	want(t, s, 200, "PUT", edit(section, key, "summary.value", ""))
	if s.Careless() != 0 {
		t.Error("a good edit counts as careless")
	}
	want(t, s, 200, "PUT", edit(section, key, "title.value", " "))
	want(t, s, 200, "PUT", "/library/metadata/"+key+"?title.value=")
	if s.Careless() != 2 {
		t.Errorf("%d careless edits, want 2", s.Careless())
	}
}

func TestLongLinesAreRefusedIfThereIsALimit(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	target := edit(section, key, "summary.value", "x")
	fits := strings.Replace(target, "=x", "="+strings.Repeat("x", 8192-len("PUT  HTTP/1.1")-len(target)+1), 1)
	long := strings.Replace(fits, "=x", "=xx", 1)
	want(t, s, 200, "PUT", long)
	s.Configure(func(o *plextest.Options) { o.LineLimit = 8192 })
	want(t, s, 200, "PUT", fits)
	want(t, s, 414, "PUT", long)
	if r := s.Requests(); r[len(r)-1].Status != 414 {
		t.Errorf("log: %d", r[len(r)-1].Status)
	}
}
