package store

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/inboxes"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// FuzzInbox reads files with any content from the inbox. Valid parts are queued, an invalid file is renamed and named in
// the error, and no file blocks another one or is read again.
func FuzzInbox(f *testing.F) {
	for _, text := range []string{
		``, `{`, `[]`, `{}`, `null`, `{"Own":{"scene_id":1,"reason":"r","priority":0},"Others":[{"scene_id":2,"priority":1}],"Event":"e"}`,
		`{"Own":{"scene_id":3,"priority":7}}`, `{"Own":{"scene_id":4},"Others":[{"scene_id":0},{"scene_id":-1,"priority":-9},{"scene_id":5}],"Event":"f"}`,
		`{"Own":{"scene_id":9223372036854775807,"reason":"\u0000\ud800"},"Gone":true}`, `{"Own":{"scene_id":6},"Others":[{"scene_id":8}],"Gone":true,"Event":"~"}`,
		`{"Own":{"scene_id":20},"Others":[{"scene_id":21}],"Event":"same"}`, `{"Own":{"scene_id":22},"Others":[{"scene_id":23}],"Event":"same"}`,
		`{"Own":{},"Fanout":{"Kind":"tag","Own":1,"Others":[2,0,-3],"Event":"g"}}`, `{"Fanout":{"Kind":"gallery","Own":1}}`, `{"Own":{"scene_id":7},"Fanout":{"Kind":"tag"}}`,
	} {
		f.Add([]byte(text))
	}
	dir := filepath.Join(f.TempDir(), "data")
	s, err := Open(context.Background(), dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	now := t0
	f.Fuzz(func(t *testing.T, text []byte) {
		const healthy = 1_000_000_007
		now = now.Add(time.Second)
		odd := filepath.Join(inboxes.Of(dir), "0-odd.json")
		leave(t, dir, now, own(healthy))
		if err := os.WriteFile(odd, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := s.TakeInbox(t.Context(), now)
		if n != 1 && n != 2 || (err == nil) != (n == 2) {
			t.Fatalf("TakeInbox with %q = %d, %v", text, n, err)
		}
		if j := jobOf(t, s, healthy); !j.EnqueuedAt.Equal(now) && err == nil && !strings.Contains(string(text), "1000000007") {
			t.Errorf("%q blocked another file: %+v", text, j)
		}
		if again, err := s.TakeInbox(t.Context(), now); again != 0 || err != nil {
			t.Errorf("%q comes again: %d, %v", text, again, err)
		}
		if aside := sqlitefile.Exists(odd + ".unreadable"); aside != (n == 1) || n == 1 && !strings.Contains(err.Error(), "0-odd.json") {
			t.Errorf("%q was put aside: %v, and the error is %v", text, aside, err)
		}
		if n == 2 {
			checkTaken(t, s, text, now)
		} else if err := os.Remove(odd + ".unreadable"); err != nil {
			t.Fatal(err)
		}
	})
}

// checkTaken checks that every scene of a file is queued as of now, or deleted if it is gone.
func checkTaken(t *testing.T, s *Store, text []byte, now time.Time) {
	t.Helper()
	var h HookRecord
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatalf("%q was taken: %v", text, err)
	}
	if f := h.Fanout; f != nil {
		for _, id := range append(f.Others, f.Own) {
			var at int64
			err := s.read.QueryRowContext(t.Context(), `SELECT enqueued_at FROM fanout WHERE kind = ? AND ref_id = ?`, f.Kind, id).Scan(&at)
			if id > 0 && (err != nil || at != now.UnixMilli()) {
				t.Errorf("%q: %s %d is lost: %v", text, f.Kind, id, err)
			}
		}
		return
	}
	for _, r := range append(h.Others, h.Own) {
		j, err := s.Job(t.Context(), r.SceneID)
		switch {
		case r.SceneID <= 0:
		case h.Gone && !errors.Is(err, ErrNone):
			t.Errorf("%q: scene %d is gone and queued: %v", text, r.SceneID, err)
		case !h.Gone && (err != nil || !j.EnqueuedAt.Equal(now)):
			t.Errorf("%q: scene %d is lost: %v", text, r.SceneID, err)
		}
	}
}
