package scans

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
)

func TestFolderToScan(t *testing.T) {
	section := func(id string, locations ...string) plexapi.Section {
		return plexapi.Section{ID: id, Locations: locations}
	}
	for _, c := range []struct {
		name     string
		path     string
		sections []plexapi.Section
		pathMap  []match.PathPair
		learned  []match.PathPair
		want     string // section:folder
	}{
		{name: "as it is", path: "/data/a/b/x.mp4", sections: []plexapi.Section{section("1", "/other", "/data")}, want: "1:/data/a/b"},
		{name: "in the location itself", path: "/data/x.mp4", sections: []plexapi.Section{section("1", "/data/")}, want: "1:/data/"},
		{name: "in the root", path: "/a/x.mp4", sections: []plexapi.Section{section("1", "/")}, want: "1:/a"},
		{name: "only whole names count", path: "/data2/x.mp4", sections: []plexapi.Section{section("1", "/data")}},
		{name: "the nearest of two", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data"), section("2", "/data/a"), section("3", "/")}, want: "2:/data/a"},
		{name: "all with the nearest folder", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data"), section("2", "/data/a/", "/data/a"), section("3", "/data"), section("4", "/", "/data/a")}, want: "2:/data/a/ 4:/data/a"},
		{name: "all with the nearest folder, which comes first", path: "/data/x.mp4", sections: []plexapi.Section{section("1", "/data"), section("2", "/"), section("3", "/data")}, want: "1:/data 3:/data"},
		{name: "case counts", path: "/DATA/x.mp4", sections: []plexapi.Section{section("1", "/data")}},
		{name: "pathMap", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data"), section("2", "/mnt")}, pathMap: []match.PathPair{{From: "/data", To: "/mnt/v"}}, want: "2:/mnt/v/a"},
		{name: "pathMap alone", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data")}, pathMap: []match.PathPair{{From: "/data", To: "/mnt"}}},
		{name: "learned first", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data"), section("2", "/mnt")}, learned: []match.PathPair{{From: "/data", To: "/mnt"}}, want: "2:/mnt/a"},
		{name: "as it is if what was learned does not help", path: "/data/a/x.mp4", sections: []plexapi.Section{section("1", "/data")}, learned: []match.PathPair{{From: "/data", To: "/mnt"}}, want: "1:/data/a"},
		{name: "to Windows", path: "/data/a/b/x.mp4", sections: []plexapi.Section{section("1", `D:\Video`)}, pathMap: []match.PathPair{{From: "/data", To: "d:/video"}}, want: `1:D:\Video\a\b`},
		{name: "from Windows", path: `D:\Video\a\x.mp4`, sections: []plexapi.Section{section("1", "/media")}, pathMap: []match.PathPair{{From: "D:/Video", To: "/media"}}, want: "1:/media/a"},
		{name: "a drive in another case", path: `d:\video\A\x.mp4`, sections: []plexapi.Section{section("1", `D:\Video`)}, want: `1:D:\Video\A`},
		{name: "a whole drive", path: `D:\a\x.mp4`, sections: []plexapi.Section{section("1", `D:\`)}, want: `1:D:\a`},
		{name: "the root of a drive", path: `D:\x.mp4`, sections: []plexapi.Section{section("1", `D:\`)}, want: `1:D:\`},
		{name: "a share", path: `\\NAS\v\a\x.mp4`, sections: []plexapi.Section{section("1", `\\nas\v`)}, want: `1:\\nas\v\a`},
		{name: "accents as Stash has them", path: "/stash/e\u0301/o\u0308/x.mp4", sections: []plexapi.Section{section("1", "/d")}, pathMap: []match.PathPair{{From: "/stash", To: "/d/\u00e9"}}, want: "1:/d/\u00e9/e\u0301/o\u0308"},
		{name: "accents in the location", path: "/e\u0301/x.mp4", sections: []plexapi.Section{section("1", "/\u00e9")}, want: "1:/\u00e9"},
		{name: "in no library", path: "/data/x.mp4", sections: []plexapi.Section{section("1")}},
	} {
		m := match.Matcher{PathMap: c.pathMap, Prefixes: c.learned}
		var targets []string
		for _, s := range For(m.Places(c.path), c.sections, c.path) {
			targets = append(targets, s.Section.ID+":"+s.Folder)
		}
		if got := strings.Join(targets, " "); got != c.want {
			t.Errorf("%s: scan %q, want %q", c.name, got, c.want)
		}
	}
}
