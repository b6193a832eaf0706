package scenes

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// fieldOf returns a field of the first item.
func fieldOf(t *testing.T, r SceneReport, name string) SceneField {
	t.Helper()
	for _, f := range r.Items[0].Fields {
		if f.Field == name {
			return f
		}
	}
	t.Fatalf("no field %s in %+v", name, r.Items[0].Fields)
	return SceneField{}
}

func TestSceneShowsWhatIsStoredIfPlexDoesNotAnswer(t *testing.T) {
	v := view{
		Desk: &desk.Desk{}, links: []store.Link{{RatingKey: "7", Section: "2", Path: "/a.mp4", Rule: "path", PushedAt: time.Unix(1, 0)}},
		absent: map[string]bool{"7": true}, libraries: map[string]string{"2": "Films"},
		stored: map[string]store.Item{"7": {
			Original:   map[string]store.Held{"title": {Value: store.Value{"old"}}, "summary": {Locked: true}, "thumb": {Value: store.Value{"media://1"}}},
			Sent:       map[string]store.Value{"title": {"T"}, "summary": {"S"}},
			Normalized: map[string]store.Normalized{"title": {Sent: store.Value{"T"}, Held: store.Value{"t"}}},
			Rejected:   map[string]store.Value{"studio": {"X"}},
			Images:     map[string]store.Image{"thumb": {SHA1: "abc", Selected: "/thumb/1"}},
		}},
	}
	v.compose()
	it := v.report.Items[0]
	if len(v.report.Items) != 1 || !it.Absent || it.Rule != "path" || !strings.Contains(it.Library, "Films") || it.PushedAt == nil {
		t.Errorf("items: %+v", v.report.Items)
	}
	for name, want := range map[string]string{
		"title":   `{"field":"title","pushed":false,"stash":null,"plex":null,"sent":"T","normalized":"t","original":"old","locked_before":false,"locked":null,"locked_by_us":true,"would":"none"}`,
		"details": `{"field":"details","pushed":false,"stash":null,"plex":null,"sent":"S","original":"","locked_before":true,"locked":null,"locked_by_us":false,"would":"none"}`,
		"studio":  `{"field":"studio","pushed":false,"stash":null,"plex":null,"refused":"X","locked":null,"locked_by_us":false,"would":"none"}`,
		"poster":  `{"field":"poster","pushed":false,"stash":null,"plex":null,"sent":"abc","confirmed":"/thumb/1","original":"media://1","locked_before":false,"locked":null,"locked_by_us":true,"would":"none"}`,
		"tags":    `{"field":"tags","pushed":false,"stash":null,"plex":null,"locked":null,"locked_by_us":false,"would":"none"}`,
	} {
		got, err := json.Marshal(fieldOf(t, v.report, name))
		if plain := strings.NewReplacer("\uFDD0", "", "\uFDD1", "").Replace(string(got)); err != nil || plain != want {
			t.Errorf("%s: %s, %v\nwant %s", name, plain, err, want)
		}
	}
}

func TestSceneFitsIntoAnAnswerWhateverItsValues(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	var many store.Value
	for i := range 5000 {
		many = append(many, fmt.Sprint("name ", i))
	}
	for _, items := range []int{1, 50} {
		v := view{Desk: &desk.Desk{}, stored: make(map[string]store.Item), current: make(map[string]plexapi.Item), scene: &stashapi.Scene{Cover: long}}
		v.desired = merge.Desired{Values: map[string]store.Value{"title": {long}, "genre": many}}
		for i := range items {
			key := fmt.Sprint(i)
			v.links = append(v.links, store.Link{RatingKey: key})
			v.current[key] = plexapi.Item{Title: long, Summary: long, Studio: long, Date: long, Thumb: long, Art: long, Tags: map[plexapi.TagKind][]string{plexapi.Genre: many}}
			base := store.Item{Original: make(map[string]store.Held), Sent: make(map[string]store.Value), Confirmed: make(map[string]store.Value)}
			for _, row := range merge.Rows(plexapi.Movie) {
				base.Original[row.Plex], base.Sent[row.Plex], base.Confirmed[row.Plex] = store.Held{Value: store.Value{long}}, store.Value{long}, store.Value{long}
			}
			v.stored[key] = base
		}
		v.compose()
		answer, err := json.Marshal(v.report)
		if err != nil || len(answer) > 900_000 {
			t.Errorf("%d items: %d bytes, %v", items, len(answer), err)
		}
		title, _ := fieldOf(t, v.report, "title").Stash.(string)
		tags, _ := fieldOf(t, v.report, "tags").Stash.([]string)
		if n := len(title); items == 1 && (n < 1900 || n > 2100) || !strings.Contains(title, "…") {
			t.Errorf("%d items: a title of %d bytes", items, n)
		}
		if len(tags) < 3 || tags[len(tags)-1] != "…" {
			t.Errorf("%d items: the last of %d tags is %q", items, len(tags), tags[len(tags)-1])
		}
	}
}
