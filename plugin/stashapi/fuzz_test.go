package stashapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// anyStash gives every request the same answer, or fails. No request may go to another host.
type anyStash struct {
	*testing.T
	status int
	header http.Header
	body   []byte
	fail   string // if it is not empty
}

func (s *anyStash) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" || r.URL.Host != "127.0.0.1:9999" || !strings.HasPrefix(r.URL.Path, "/") {
		s.Errorf("asked %v", r.URL)
	}
	if s.fail != "" {
		return nil, errors.New(s.fail)
	}
	body := io.NopCloser(bytes.NewReader(s.body))
	return &http.Response{StatusCode: s.status, Header: s.header, Body: body, ContentLength: -1, Request: r}, nil
}

// operations are all queries, by name. Each fails on an invalid result.
func operations(t *testing.T, c *stashapi.Client, s *anyStash) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"version":  func() error { _, err := c.Version(ctx); return err },
		"settings": func() error { return checkSettings(t, c) },
		"login":    func() error { return c.KeepLogin(ctx) },
		"queue":    func() error { _, err := c.JobQueue(ctx); return err },
		"run": func() error {
			id, err := c.RunPluginTask(ctx, "p", "t", "d", nil)
			if err == nil && id == "" {
				t.Error("a run without a job counts as asked for")
			}
			return err
		},
		"changed": func() error {
			l, err := c.UpdatedSince(ctx, "2026", 5, 3)
			checkListing(t, l, 5, 3)
			return err
		},
		"all": func() error {
			l, err := c.AllScenes(ctx, 0, 3)
			checkListing(t, l, 0, 3)
			return err
		},
		"last": func() error {
			id, err := c.LastScene(ctx)
			if id < 0 {
				t.Errorf("the last scene is %d", id)
			}
			return err
		},
		"scene":  func() error { return checkScenes(t, c, s, 1) },
		"scenes": func() error { return checkScenes(t, c, s, 3, 1, 2) },
		"paths": func() error {
			found, err := c.ScenesByPath(ctx, []string{"/a", "/b"})
			for path, id := range found {
				if path != "/a" && path != "/b" || id <= 0 {
					t.Errorf("%q is of scene %d", path, id)
				}
			}
			return err
		},
		"tags": func() error {
			tags, err := c.TagsNamed(ctx, []string{"A", "b"})
			below, belowErr := c.TagsBelow(ctx, []int{1})
			for _, tag := range slices.Concat(tags, below) {
				if tag.ID <= 0 || tag.Name == "" {
					t.Errorf("tag %+v", tag)
				}
			}
			if err == nil {
				err = belowErr
			}
			return err
		},
		"activity": func() error { return checkActivities(t, c, s, 1, 2) },
		"plays":    func() error { return checkPlays(t, c) },
		"resume":   func() error { return c.SaveResume(ctx, 1, 5) },
		"noted":    func() error { _, err := c.TrackActivity(ctx); return err },
		"picture":  func() error { return checkPicture(t, c, "/scene/1/screenshot?apikey=hunter2hunter2") },
	}
}

func checkSettings(t *testing.T, c *stashapi.Client) error {
	set, err := c.Settings(t.Context(), "p")
	if (set == nil) == (err == nil) {
		t.Errorf("settings %v, %v", set, err)
	}
	return err
}

func checkListing(t *testing.T, l stashapi.Listing, after, perPage int) {
	if len(l.Scenes) > perPage {
		t.Errorf("%d scenes on a page of %d", len(l.Scenes), perPage)
	}
	for _, s := range l.Scenes {
		if s.ID <= after {
			t.Errorf("scene %d after %d: such a listing has no end", s.ID, after)
		}
		after = s.ID
	}
}

// checkScenes reads scenes: each is found, missing or failed, and missing only if Stash says so.
func checkScenes(t *testing.T, c *stashapi.Client, s *anyStash, ids ...int) error {
	got, err := c.Scenes(t.Context(), ids)
	if err != nil {
		return err
	}
	outcomes := slices.Concat(got.Missing, slices.Collect(maps.Keys(got.Failed)))
	for _, scene := range got.Found {
		outcomes = append(outcomes, scene.ID)
		if scene.Cover != "" {
			if err := checkPicture(t, c, scene.Cover); err != nil {
				checkStash(t, "cover", err)
			}
		}
	}
	if slices.Sort(outcomes); !slices.Equal(outcomes, slices.Sorted(slices.Values(ids))) {
		t.Errorf("asked for %v: found %+v, missing %v, failed %v", ids, got.Found, got.Missing, got.Failed)
	}
	var answer struct {
		Data struct {
			Typename *string `json:"__typename"`
		}
	}
	if len(got.Missing) > 0 && (json.NewDecoder(bytes.NewReader(s.body)).Decode(&answer) != nil || answer.Data.Typename == nil) {
		t.Errorf("%q says that scenes are gone", s.body)
	}
	for _, err := range got.Failed {
		checkStash(t, "scene", err)
	}
	return nil
}

// checkActivities reads the plays of scenes: each is found, missing or failed, and missing only if Stash says so.
func checkActivities(t *testing.T, c *stashapi.Client, s *anyStash, ids ...int) error {
	got, err := c.Activities(t.Context(), ids)
	if err != nil {
		return err
	}
	outcomes := slices.Concat(got.Missing, slices.Collect(maps.Keys(got.Failed)), slices.Collect(maps.Keys(got.Found)))
	if slices.Sort(outcomes); !slices.Equal(outcomes, ids) {
		t.Errorf("asked for %v: %+v", ids, got)
	}
	if len(got.Missing) > 0 && !bytes.Contains(bytes.ToLower(s.body), []byte("typename")) && !bytes.Contains(s.body, []byte(`\u`)) {
		t.Errorf("%q says that scenes are gone", s.body)
	}
	for _, err := range got.Failed {
		checkStash(t, "activity", err)
	}
	return nil
}

func checkPlays(t *testing.T, c *stashapi.Client) error {
	failed, err := c.AddPlays(t.Context(), map[int][]time.Time{1: {noon}, 2: {noon, noon}})
	for id, err := range failed {
		if id != 1 && id != 2 {
			t.Errorf("scene %d was refused", id)
		}
		checkStash(t, "plays", err)
	}
	return err
}

func checkPicture(t *testing.T, c *stashapi.Client, where string) error {
	data, kind, err := c.Image(t.Context(), where)
	if err == nil && (len(data) == 0 || len(data) > stashapi.MaxImage || !strings.HasPrefix(kind, "image/") || kind == "image/svg+xml") {
		t.Errorf("a picture of %d bytes, %q", len(data), kind)
	}
	if errors.Is(err, stashapi.ErrNoPicture) || errors.Is(err, stashapi.ErrUnusable) || errors.Is(err, stashapi.ErrImageTooLarge) {
		return nil
	}
	return err
}

// checkStash fails unless an error is an *Error that can be shown.
func checkStash(t *testing.T, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*stashapi.Error](err); !ok {
		t.Fatalf("%s: %v is no *Error", what, err)
	}
	message := text.Plain(err.Error())
	if utf8.RuneCountInString(message) > 300 || strings.ContainsFunc(message, unicode.IsControl) || !utf8.ValidString(message) || strings.Contains(message, "hunter2") {
		t.Errorf("%s: the error is too long, more than a line or contains a query: %q", what, message)
	}
}

// For any answer: the result is valid or an error that can be shown, no request goes to another host, a scene is missing
// only if Stash says so, and a cut answer is an error.
func FuzzAnswers(f *testing.F) {
	scene := `{"id":"1","title":"T","details":null,"date":"2024-05","director":"D","rating100":60,"organized":true,"updated_at":"2026-01-02T03:04:05+01:00",` +
		`"studio":{"id":"1","name":"S"},"performers":[{"id":"x","name":"P"},null],"tags":[],"groups":[{"group":{"id":"1","name":"G"}},{}],` +
		`"files":[{"path":"/a","size":5000000000,"duration":1.5}],"paths":{"screenshot":"https://u:p@stash.invalid/base/scene/1/screenshot?t=1"}}`
	for i, body := range []string{
		``, `{}`, `{"data":null}`, `{"data":{"findScene":null}}`, `[]`, `<html></html>`, `{"errors":[null]}`, `{"errors":[{"message":"no\n` + strings.Repeat("ä", 400) + `"}],"data":null}`,
		`{"data":{"version":{"version":"v0.30.1"},"runPluginTask":"7","jobQueue":[{"id":"1","status":"READY","description":"d"},null],` +
			`"configuration":{"plugins":{"p":{"a":1}},"general":{"apiKey":"k"}}}}`,
		`{"data":{"configuration":{"plugins":{"p":null}},"__typename":"Query","findScene":` + scene + `,"findScenes":{"count":1,"scenes":[` + scene + `]}}}`,
		`{"data":{"__typename":"Query","findScene":null,"findScenes":{"count":-1,"scenes":[{"id":"1"},{"id":"2"},{"id":"3"}]},"findTags":{"tags":[{"id":"1","name":"A"},{"id":"-1","name":" "}]}}}`,
		`{"data":{"findScenes":{"count":1000000,"scenes":[{"id":"6","updated_at":"x","files":[{"path":"/a"}]},{"id":"7"}]}}}`,
		`{"data":{"__typename":"Query","s0":null,"s1":{"id":"2","play_history":["2026-01-02T03:04:05Z"],"resume_time":1.5},"sceneSaveActivity":true,"configuration":{"ui":{"trackActivity":false}}}}`,
		`{"data":null,"errors":[{"message":"no","path":["s1"]}]}`, `{"data":{"__typename":"Query","s1":null},"errors":[{"message":"no","path":["s0","play_history",3]}]}`,
		"\xff\xd8\xff\xda\x00\x02jpeg\xff\xd9", "\x89PNG\x0d\x0a\x1a\x0a", `<svg xmlns="http://www.w3.org/2000/svg"/>`,
	} {
		for which := range uint8(16) {
			f.Add(which, uint16(100), "x", []byte(body), "", uint(i))
		}
	}
	for i, status := range []uint16{0, 201, 202, 204, 300, 301, 304, 322, 400, 499} {
		f.Add(uint8(i), status, "session=other; Path=/", []byte(`{"errors":[{"message":"hunter2hunter2"}]}`), "", uint(0))
		f.Add(uint8(i), uint16(100), "", []byte(nil), "cannot\x00 reach\xff", uint(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, status uint16, header string, body []byte, fail string, cut uint) {
		s := &anyStash{T: t, status: 100 + int(status)%900, body: body, fail: fail, header: http.Header{
			"Set-Cookie": {header}, "Date": {header}, "Content-Type": {header},
		}}
		cookie := &http.Cookie{Name: "session", Value: "hunter2hunter2"}
		c, err := stashapi.New(common.StashServerConnection{Scheme: "http", Host: "0.0.0.0", Port: 9999, SessionCookie: cookie}, stashapi.Options{Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		all := operations(t, c, s)
		names := slices.Sorted(maps.Keys(all))
		name := names[int(which)%len(names)]
		ask := all[name]
		if err := ask(); err != nil {
			checkStash(t, name, err)
			return
		}
		if fail != "" || s.status != http.StatusOK {
			if name != "picture" && name != "scenes" && name != "scene" { // Stash may refuse one of their queries and answer another
				t.Errorf("%s: nothing is wrong with %q, status %d", name, fail, s.status)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		var whole json.RawMessage
		if dec.Decode(&whole) == nil && name != "picture" {
			s.body = body[:cut%uint(dec.InputOffset())]
			if err := ask(); err == nil {
				t.Errorf("%s: %q, cut from %q, is taken for an answer", name, s.body, body)
			}
		}
	})
}
