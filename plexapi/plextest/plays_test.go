package plextest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const historyOf = "/status/sessions/history/all?"

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// historyIDs returns the ids of the rows of a history.
func historyIDs(t *testing.T, s *plextest.Server, query string, change ...func(*http.Request)) string {
	t.Helper()
	var list []string
	for _, row := range container(t, s, historyOf+query, change...)["Metadata"].([]any) {
		list = append(list, strings.TrimPrefix(row.(map[string]any)["historyKey"].(string), "/status/sessions/history/"))
	}
	return strings.Join(list, " ")
}

func TestHistoryIsFilteredAndSorted(t *testing.T) {
	s, section := open(t)
	other := s.AddAccount("other", "shared")
	a, b := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1)
	s.Play(a, plextest.Owner, noon)
	s.Play(b, other, noon.Add(time.Hour))
	s.Play(b, plextest.Owner, noon.Add(-time.Hour))
	at := fmt.Sprint(noon.Unix())
	for query, want := range map[string]string{
		"": "1 2 3", "sort=viewedAt:asc": "3 1 2", "sort=viewedAt:desc": "2 1 3", "viewedAt%3E=" + at: "1 2", "viewedAt>=" + at: "1 2",
		"accountID=1": "1 3", "librarySectionID=" + section: "1 2 3", "librarySectionID=9": "", "metadataItemID=" + b: "2 3",
	} {
		if got := historyIDs(t, s, query); got != want {
			t.Errorf("%s: rows %s, want %s", query, got, want)
		}
	}
	if got := historyIDs(t, s, "", set("X-Plex-Container-Start", "1"), set("X-Plex-Container-Size", "1")); got != "2" {
		t.Errorf("a page: rows %s", got)
	}
	if got := historyIDs(t, s, "", set("X-Plex-Token", "shared")); got != "2" {
		t.Errorf("another account: rows %s", got)
	}
	for _, query := range []string{"viewedAt%3E%3E=" + at, "viewedAt=" + at, "viewedAt%3E=soon", "sort=title", "accountID=1&accountID=2"} {
		want(t, s, http.StatusBadRequest, "GET", historyOf+query)
	}
	s.Configure(func(o *plextest.Options) { o.After = true })
	if got := historyIDs(t, s, "viewedAt%3E="+at); got != "2" {
		t.Errorf("without the second itself: rows %s", got)
	}
	want(t, s, http.StatusNotFound, "DELETE", "/status/sessions/history/1")
	want(t, s, http.StatusNotFound, "POST", "/:/timeline")
}

func TestKeysOfTheHistoryAreUsedAgainAfterARestore(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	for range 3 {
		s.Play(key, plextest.Owner, noon)
	}
	s.RestoreDatabase(1)
	if again := s.Play(key, plextest.Owner, noon); again != "/status/sessions/history/2" || historyIDs(t, s, "") != "1 2" {
		t.Errorf("after a restore: %s, rows %s", again, historyIDs(t, s, ""))
	}
	s.PurgeHistory()
	if next := s.Play(key, plextest.Owner, noon); next != "/status/sessions/history/3" {
		t.Errorf("after a purge: %s", next)
	}
	s.Remove(key)
	row := container(t, s, historyOf)["Metadata"].([]any)[0].(map[string]any)
	if row["ratingKey"] != nil || row["key"] != nil || row["title"] != "a" || row["librarySectionID"] != section {
		t.Errorf("a row of an item that is gone: %v", row)
	}
}

func TestMarkedAsWatchedIsNoPlay(t *testing.T) {
	s, section := open(t)
	s.SetClock(func() time.Time { return noon })
	s.AddAccount("other", "shared")
	key := s.AddItem(section, "/a.mp4", 1)
	to := "?identifier=com.plexapp.plugins.library&key=" + key
	view := func(change ...func(*http.Request)) string {
		row := container(t, s, "/library/metadata/"+key, change...)["Metadata"].([]any)[0].(map[string]any)
		return fmt.Sprint(row["viewCount"], row["viewOffset"], row["lastViewedAt"] != nil)
	}
	for _, step := range []struct{ method, target, want string }{
		{"GET", "/:/progress" + to + "&time=5000&state=stopped", "<nil> 5000 true"},
		{"PUT", "/:/scrobble" + to, "1 <nil> true"},
		{"GET", "/:/scrobble" + to, "2 <nil> true"},
		{"GET", "/:/progress" + to + "&time=0&state=stopped", "2 <nil> true"},
		{"PUT", "/:/unscrobble" + to, "<nil> <nil> false"},
	} {
		want(t, s, http.StatusOK, step.method, step.target)
		if got := view(); got != step.want {
			t.Errorf("after %s: %s, want %s", step.target, got, step.want)
		}
	}
	if got := historyIDs(t, s, ""); got != "" {
		t.Errorf("rows %s", got)
	}
	s.StopAt(key, plextest.Owner, time.Minute)
	s.Play(key, plextest.Owner, noon)
	if got, others := view(), view(set("X-Plex-Token", "shared")); got != "1 <nil> true" || others != "<nil> <nil> false" {
		t.Errorf("after a play: %s, for another account: %s", got, others)
	}
	for status, target := range map[int]string{
		http.StatusBadRequest: "/:/scrobble?key=" + key, http.StatusNotFound: "/:/scrobble?identifier=com.plexapp.plugins.library&key=9",
	} {
		want(t, s, status, "PUT", target)
	}
	want(t, s, http.StatusBadRequest, "GET", "/:/progress"+to)
	for _, target := range []string{"/accounts", "/status/sessions"} {
		if status, _ := ask(t, s, "GET", target, set("X-Plex-Token", "shared")); status != http.StatusForbidden {
			t.Errorf("%s with a shared token: %d", target, status)
		}
	}
	if status, _ := ask(t, s, "PUT", edit(section, key, "title.value", "x"), set("X-Plex-Token", "shared")); status != http.StatusForbidden {
		t.Errorf("an edit with a shared token: %d", status)
	}
}
