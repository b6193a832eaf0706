package engine

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// codesOf are the codes that fit each of itemFaults.
var codesOf = map[string][]string{
	"403 by a firewall":  {"refused_in_front"},
	"401 by a proxy":     {"refused_in_front"},
	"403, after success": {"refused_in_front"},
	"403 by Plex":        {"item_forbidden"},
	"302 by a proxy":     {"redirected"},
	"404":                {"item_changed"},
	"400":                {"value_refused", "request_refused"},
	"413 by a proxy":     {"value_refused", "request_refused", "picture_refused"},
	"429":                {"plex_busy"},
	"500":                {"plex_error", "picture_refused"},
	"502":                {"proxy_gave_up"},
	"503":                {"plex_busy"},
	"504":                {"proxy_gave_up"},
	"a web page":         {"web_page_instead", "bad_answer", "not_changed"}, // Plex itself answers some writes with a page
	"no answer":          {"plex_timeout"},
	"a reset":            {"plex_cut_off"},
	"half an answer":     {"plex_cut_off", "bad_answer"},
}

// stored returns the reason of a scene's job or dead letter; "" if it has neither.
func (l *lab) stored(id int) string {
	l.Helper()
	if j, err := l.Store.Job(l.Context(), id); err == nil {
		return j.Detail
	}
	letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{SceneID: id}, 1)
	l.must(err)
	if len(letters) == 0 {
		return ""
	}
	return letters[0].Job.Detail
}

// wantCode wants one of the codes at the job or dead letter of a scene, if it has one, and the same in the log.
func (l *lab) wantCode(id int, codes []string) {
	l.Helper()
	stored := l.stored(id)
	if _, err := l.Store.Job(l.Context(), id); err != nil && stored == "" {
		return // a field that Plex refuses is left out
	}
	log, err := l.Store.Attempts(l.Context(), id)
	l.must(err)
	if !slices.Contains(codes, reason.Parse(stored).Code) || log[0].Reason != stored {
		l.Errorf("scene %d has the reason %s, and in the log %s; want one of %q", id, stored, log[0].Reason, codes)
	}
}

// Each way in which a scene does not arrive has its own code and complete parameters.
func TestScenesSayByCodeWhyTheyAreNotInPlex(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(l *lab)
		want    reason.Reason // of the newest attempt of scene 1
	}{
		{"no item", func(l *lab) { l.plex.Remove(l.keys[1]) }, reason.NotInPlex(path(1))},
		{"no item, and none is awaited", func(l *lab) { l.Config.SkipMissing = true; l.plex.Remove(l.keys[1]) }, reason.MissingSkipped(path(1))},
		{"a library is missing", func(l *lab) { l.Config.Libraries = []string{"Videos", "Other"}; l.plex.Remove(l.keys[1]) }, reason.LibraryNotRead(path(1))},
		{"not organised", func(l *lab) { l.Config.Filter.OnlyOrganized = true }, reason.NotOrganized()},
		{"an excluded tag", func(l *lab) {
			id := l.stash.Name("tag", 1, "Private")
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{id} })
			l.Config.Filter.ExcludeTags = []string{"private"}
		}, reason.ExcludedTag("Private", "private")},
		{"no data", func(l *lab) { l.stash.Change(1, func(s *stashtest.Scene) { s.Title = "" }) }, reason.NoData()},
		{"no file", func(l *lab) { l.stash.Change(1, func(s *stashtest.Scene) { s.Files = nil }) }, reason.NoFile()},
		{"no longer in Stash", func(l *lab) { l.stash.Drop(1) }, reason.GoneFromStash()},
		{"an item of another scene", func(l *lab) {
			l.edit("First", 2)
			l.want(l.run(), Summary{Synced: 1})
			l.stash.Change(1, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path(2), Size: size(2)}} })
		}, reason.OtherScene(2, "1002")},
		{"Plex refuses each value", func(l *lab) { l.plex.Inject(plextest.Fault{Method: "PUT", Status: 400}) }, reason.ValueRefused("title")},
		{"Plex keeps its value", func(l *lab) { l.plex.Inject(plextest.Fault{Method: "PUT", Status: 200}) }, reason.NotChanged("title")},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 2, func(l *lab) {
				l.stash.Change(1, func(s *stashtest.Scene) { s.Title = "New" })
				c.arrange(l)
				l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: 1, Reason: "edit"}}))
				l.run()
				log, err := l.Store.Attempts(l.Context(), 1)
				if err != nil || len(log) == 0 || log[0].Reason != c.want.JSON() {
					l.Fatalf("attempts %+v, %v; want the reason %s", log, err, c.want.JSON())
				}
			})
		})
	}
}

// A run that stops says so by code, and its jobs keep theirs.
func TestStoppedRunSaysByCodeWhy(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(l *lab)
		want    string
	}{
		{"the token is refused", func(l *lab) { l.plex.Inject(plextest.Fault{Prefix: "/library", Status: 401}) }, "token_refused"},
		{"something refuses each request", func(l *lab) { l.plex.Inject(plextest.Fault{Status: 403, Front: true}) }, "refused_in_front"},
		{"Plex is off", func(l *lab) { l.plex.Inject(plextest.Fault{Refuse: true}) }, "plex_unreachable"},
		{"Plex is paused", func(l *lab) {
			l.plex.Inject(plextest.Fault{Refuse: true})
			for range 5 {
				l.run()
			}
		}, "plex_paused"},
		{"no chosen library", func(l *lab) { l.Config.Libraries = []string{"Other"} }, "no_library"},
		{"an unknown tag is excluded", func(l *lab) { l.Config.Filter.ExcludeTags = []string{"Nobody"} }, "unknown_tags"},
		{"another server", func(l *lab) { l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyServer, "former")) }, "server_changed"},
		{"Stash is off", func(l *lab) { l.stash.Inject(stashtest.Fault{Status: 502}) }, "stash_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.edit("New", 1)
				c.arrange(l)
				sum := l.run()
				if r := reason.Parse(sum.Reason); r.Code != c.want || sum.Stopped == "" {
					l.Errorf("stopped %q with the reason %s, want %s", sum.Stopped, sum.Reason, c.want)
				}
			})
		})
	}
}

// What Plex and proxies send back may contain the token. No parameter does.
func TestNoReasonContainsTheToken(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("token", 1)
		for _, f := range []plextest.Fault{
			{Method: "PUT", Status: 403, Front: true, Header: http.Header{"Server": {"token-123"}}},
			{Method: "PUT", Status: 502, Front: true, Header: http.Header{"Server": {"nginx/token-123"}}},
			{Method: "PUT", Status: 302, Front: true, Header: http.Header{"Server": {"token-123/1"}}},
			{Prefix: "/library", Status: 401},
		} {
			l.plex.Inject(f)
			sum := l.run()
			if s := sum.Reason + l.stored(1); s == "" || strings.Contains(s, "token-123") {
				l.Errorf("%d: the reason is %q", f.Status, s)
			}
			l.plex.Heal()
			pass(time.Hour)
		}
	})
}
