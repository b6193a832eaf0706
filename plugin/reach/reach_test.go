package reach

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestMemory(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	server := plextest.New("token-123")
	client := func() *plexapi.Client {
		t.Helper()
		c, err := plexapi.New(plexapi.Config{URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: server.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	note := func(ctx context.Context, c *plexapi.Client) Memory {
		t.Helper()
		m, err := Memory{}, Note(ctx, db, c, false)
		if err == nil {
			m, err = Read(t.Context(), db)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := note(t.Context(), client()); m != (Memory{}) {
		t.Errorf("after no request: %+v", m)
	}
	if text, _, err := db.Meta(t.Context(), key); text != "" || err != nil {
		t.Errorf("after no request the queue holds %q, %v", text, err)
	}

	c := client()
	if _, err := c.Identity(t.Context()); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if m := note(over, c); m.Name != "" || m.AskedName != "" || m.Version == "" || m.SuccessAt.IsZero() || server.Count("", "") != 1 {
		t.Errorf("after the end of a run: %+v", m)
	}
	first := note(t.Context(), c)
	if yes, known := first.Reachable(); first.Name != "Living room" || !yes || !known {
		t.Errorf("after a run: %+v", first)
	}

	server.Inject(plextest.Fault{Refuse: true})
	c = client()
	if _, err := c.Identity(t.Context()); err == nil {
		t.Fatal("no error")
	}
	m := note(t.Context(), c)
	if yes, known := m.Reachable(); yes || !known || m.Failure == "" || m.Name != first.Name || !m.SuccessAt.Equal(first.SuccessAt) {
		t.Errorf("after a failure: %+v", m)
	}

	if err := db.SetMeta(t.Context(), time.Now(), key, "{"); err != nil {
		t.Fatal(err)
	}
	if m, err := Read(t.Context(), db); m != (Memory{}) || err != nil {
		t.Errorf("of a damaged value: %+v, %v", m, err)
	}
}
