package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// odd changes members of libraries and of items that are read, as a newer Plex might send them.
type odd struct {
	http.RoundTripper
	members map[string]map[string]any // by title of the library or rating key of the item
	written bool                      // only after a write
}

func (o *odd) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := o.RoundTripper.RoundTrip(r)
	o.written = o.written && r.Method == http.MethodGet
	if o.written || err != nil || res.StatusCode != http.StatusOK || r.Method != http.MethodGet {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var answer map[string]map[string]any
	if json.Unmarshal(body, &answer) == nil {
		for _, list := range []string{"Directory", "Metadata"} {
			rows, _ := answer["MediaContainer"][list].([]any)
			for _, row := range rows {
				one := row.(map[string]any)
				change := o.members[fmt.Sprint(one["ratingKey"])]
				if list == "Directory" {
					change = o.members[fmt.Sprint(one["title"])]
				} else if !strings.Contains(r.URL.Path, "/library/metadata/") {
					change = nil
				}
				maps.Copy(one, change)
			}
		}
		if body, err = json.Marshal(answer); err != nil {
			return nil, err
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// oddPlex makes the lab's Plex send odd members.
func (l *lab) oddPlex() *odd {
	l.Helper()
	o := &odd{RoundTripper: l.plex.Transport(), members: make(map[string]map[string]any)}
	var err error
	l.Plex, err = plexapi.New(plexapi.Config{URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: o})
	l.must(err)
	return o
}

func TestOddValueHoldsUpOnlyTheItemThatNeedsIt(t *testing.T) {
	for _, c := range []struct {
		member string
		value  any
		needed bool
	}{
		{"summary", map[string]any{"en": "x"}, true},
		{"userRating", "nan", true},
		{"Genre", "text", true},
		{"Collection", []any{7}, true},
		{"Field", 7, true},
		{"type", []any{"movie"}, true},
		{"Media", "x", true},
		{"contentRating", map[string]any{"en": "x"}, false}, // not pushed
		{"Director", 7, false},                              // Stash has none
		{"thumb", []any{}, false},
		{"librarySectionID", map[string]any{}, false},
		{"duration", "long", false},
	} {
		t.Run(c.member, func(t *testing.T) {
			inLab(t, 3, func(l *lab) {
				o := l.oddPlex()
				tags, groups, rating := numbered(l, "tag", "tag", 1), numbered(l, "group", "group", 1), 80
				l.stash.Change(2, func(s *stashtest.Scene) { s.Details, s.Tags, s.Groups, s.Rating100 = "Details", tags, groups, &rating })
				l.edit("Old", 1, 2, 3)
				l.want(l.run(), Summary{Synced: 3})
				before := l.plex.Item(l.keys[2])
				l.edit("New", 1, 2, 3)
				o.members[l.keys[2]] = map[string]any{c.member: c.value}
				l.plex.Forget()
				if !c.needed {
					l.want(l.run(), Summary{Synced: 3})
					l.wantTitle(2, "New")
					return
				}
				l.want(l.run(), Summary{Synced: 2, Retrying: 1})
				l.wantTitle(1, "New")
				l.wantTitle(3, "New")
				if after := l.plex.Item(l.keys[2]); after.Updated != before.Updated || after.Title != "Old" {
					l.Errorf("the item was written: %+v", after)
				}
				delete(o.members, l.keys[2])
				name := strings.NewReplacer("Genre", "genre", "Collection", "collection").Replace(c.member)
				if j := l.job(2); j.Attempts != 1 || !strings.Contains(j.Error, fmt.Sprintf("its %q has an unexpected form", name)) {
					l.Errorf("job = %+v", j)
				}
				if n := l.plex.Count("GET", "/library/metadata/"); n > 2 {
					l.Errorf("%d requests to read the items, want one before and one after the writes", n)
				}
				pass(time.Minute)
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(2, "New")
			})
		})
	}
}

// What was read back is the base of the next merge.
func TestOddValueAfterAWriteIsNotTakenForPlexsForm(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		o := l.oddPlex()
		for _, details := range []string{"Old", "New"} {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Details = details })
			l.edit(details, 1)
			if details == "New" {
				o.written, o.members[l.keys[1]] = true, map[string]any{"summary": map[string]any{"en": "x"}}
				l.want(l.run(), Summary{Retrying: 1})
				break
			}
			l.want(l.run(), Summary{Synced: 1})
		}
		items, err := l.Store.Items(l.Context(), l.plex.Machine(), []string{l.keys[1]})
		l.must(err)
		if form, ok := items[l.keys[1]].Normalized["summary"]; ok {
			l.Errorf("recorded as Plex's form: %+v", form)
		}
		delete(o.members, l.keys[1])
		pass(time.Minute)
		l.want(l.run(), Summary{Unchanged: 1})
		if got := l.plex.Item(l.keys[1]).Summary; got != "New" {
			l.Errorf("summary %q", got)
		}
	})
}

func TestPartOfAListShowsNotThatPlexReplacesLists(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		o := l.oddPlex()
		l.narrowed(8180, plextest.Options{})
		tags := long(l, "tag", 300)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
		l.edit("New", 1)
		last := fmt.Sprintf("%-29s%04d", "a tag with quite a long, name", 200)
		o.written, o.members[l.keys[1]] = true, map[string]any{"Genre": []any{map[string]any{"tag": last}, 7}}
		l.want(l.run(), Summary{Retrying: 1})
		if strings.Contains(l.log.String(), "replaces lists") {
			t.Error("taken for a Plex that replaces lists")
		}
		delete(o.members, l.keys[1])
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 301 {
			l.Errorf("%d tags", len(got))
		}
	})
}

func TestOddValueKeepsItsOriginalForARestore(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		o := l.oddPlex()
		for _, id := range []int{1, 2} {
			l.plex.Edit(l.keys[id], func(it *plextest.Item) { it.Summary = "Plex's own" })
			l.stash.Change(id, func(s *stashtest.Scene) { s.Details = "Stash's" })
		}
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 2})
		o.members[l.keys[1]] = map[string]any{"summary": map[string]any{"en": "Stash's"}}
		got, err := l.Restore(l.Context(), 0)
		l.must(err)
		if got.Restored != 1 || got.Failed != 1 || got.Problems[0].SceneID != 1 || !strings.Contains(got.Problems[0].Reason, `"summary"`) || l.plex.Item(l.keys[2]).Summary != "Plex's own" {
			l.Errorf("restore = %+v", got)
		}
		delete(o.members, l.keys[1])
		got, err = l.Restore(l.Context(), 0)
		l.must(err)
		if got.Restored != 1 || got.Failed != 0 || l.plex.Item(l.keys[1]).Summary != "Plex's own" {
			l.Errorf("second restore = %+v, summary %q", got, l.plex.Item(l.keys[1]).Summary)
		}
	})
}

// The scenes of such a library wait, since its files are unknown and not missing.
func TestUnreadableLibraryIsReportedAndTheOthersWork(t *testing.T) {
	for _, names := range [][]string{nil, {"Videos", "Other"}} {
		inLab(t, 2, func(l *lab) {
			o := l.oddPlex()
			other := l.plex.AddSection("Other", "movie")
			l.plex.AddSection("Music", "artist")
			l.plex.Remove(l.keys[2])
			key := l.plex.AddItem(other, path(2), size(2))
			l.Config.Libraries = names
			o.members["Other"] = map[string]any{"type": []any{"movie"}}
			o.members["Music"] = map[string]any{"scannedAt": "never", "title": []any{}}
			l.edit("New", 1, 2)
			l.want(l.run(), Summary{Synced: 1, Waiting: 1})
			l.wantTitle(1, "New")
			if log := l.log.String(); !strings.Contains(log, `library "Other" cannot be read: its type has an unexpected form`) || strings.Contains(log, "Music") {
				l.Error("the log does not name the unreadable library alone")
			}
			for range 20 { // more often than a missing file is looked for
				pass(11 * time.Minute)
				if sum := l.run(); sum.Waiting != 1 || sum.Dead != 0 {
					l.Fatalf("summary = %v", sum)
				}
			}
			delete(o.members, "Other")
			pass(time.Hour)
			l.want(l.run(), Summary{Synced: 1})
			if got := l.plex.Item(key).Title; got != "New" {
				l.Errorf("title %q", got)
			}
		})
	}
}

func TestMarkThatIsNoNumberShowsAChange(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Frozen = true })
		o := l.oddPlex()
		o.members["Videos"] = map[string]any{"contentChangedAt": "monday"}
		l.plex.Remove(l.keys[2])
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 1, Waiting: 1})
		key := l.plex.AddItem(l.section, path(2), size(2))
		pass(time.Hour)
		l.run() // the listing is as it was
		if got := l.plex.Item(key).Title; got == "New" {
			l.Error("the library was listed although no mark had changed")
		}
		o.members["Videos"]["contentChangedAt"] = "tuesday"
		l.run()
		if got := l.plex.Item(key).Title; got != "New" {
			l.Errorf("title %q", got)
		}
	})
}
