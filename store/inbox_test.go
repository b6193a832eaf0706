package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/inboxes"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func leave(t *testing.T, dir string, now time.Time, h HookRecord) {
	t.Helper()
	if err := LeaveInInbox(dir, now, h); err != nil {
		t.Fatal(err)
	}
}

func TestInboxLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	h := own(5)
	h.Others = []Request{{SceneID: 6, Reason: "bulk"}}
	h.Event = "e"
	leave(t, dir, t0, h)
	leave(t, dir, t0, own(7))
	if err := LeaveInInbox(dir, t0, HookRecord{Fanout: &FanoutRecord{Kind: "tag", Own: 3, Others: []int{4}, Event: "f"}}); err != nil {
		t.Fatal(err)
	}
	s := openIn(t, dir)
	mention(t, s, "tag", 4, 1)
	if n, err := s.TakeInbox(t.Context(), t0); n != 3 || err != nil {
		t.Fatalf("TakeInbox = %d, %v; want 3", n, err)
	}
	expand(t, s, t0, 10)
	for _, id := range []int{5, 6, 7, 1} {
		jobOf(t, s, id)
	}
	if n, err := s.TakeInbox(t.Context(), t0); n != 0 || err != nil {
		t.Errorf("the second TakeInbox = %d, %v; want an empty inbox", n, err)
	}
}

func TestInboxRenamesOnlyInvalidFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	inbox := inboxes.Of(dir)
	broken := map[string]string{
		"1-broken.json": `{`, "2-shape.json": `[]`, "3-empty.json": `{}`, "4-kind.json": `{"fanout":{"Kind":"gallery","Own":1}}`,
	}
	if err := os.MkdirAll(filepath.Join(inbox, "5-cannot-be-read.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range broken {
		if err := os.WriteFile(filepath.Join(inbox, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave(t, dir, t0, own(7))
	n, err := s.TakeInbox(t.Context(), t0)
	if n != 1 || err == nil {
		t.Fatalf("TakeInbox = %d, %v; want one taken and an error", n, err)
	}
	jobOf(t, s, 7)
	for name := range broken {
		if !sqlitefile.Exists(filepath.Join(inbox, name+".unreadable")) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s was not put aside, or is not named in %v", name, err)
		}
	}
	if !sqlitefile.Exists(filepath.Join(inbox, "5-cannot-be-read.json")) {
		t.Error("what could not be read was put aside")
	}
}

func TestInboxUsesValidPartsOfADamagedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	leave(t, dir, t0, own(7))
	for name, text := range map[string]string{
		"1.json": `{"Own":{"scene_id":1,"priority":7},"Others":[{"scene_id":0},{"scene_id":2,"priority":-1}],"Event":"e"}`,
		"2.json": `{"Fanout":{"Kind":"tag","Own":3,"Others":[-4,5],"Event":"f"}}`,
		"3.json": `{"Own":{"scene_id":3},"Others":[{"scene_id":4}]}`,
	} {
		if err := os.WriteFile(filepath.Join(inboxes.Of(dir), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.TakeInbox(t.Context(), t0); n != 4 || err != nil {
		t.Errorf("TakeInbox = %d, %v; want all four", n, err)
	}
	for _, id := range []int{1, 2, 3, 4, 7} {
		jobOf(t, s, id)
	}
}

func TestInboxHoldsABulkEditOnce(t *testing.T) {
	const n = 100
	hook := func(self int) HookRecord {
		h := HookRecord{Own: Request{SceneID: self, Reason: "bulk"}, Event: "abc123"}
		for id := 1; id <= n; id++ {
			if id != self {
				h.Others = append(h.Others, Request{SceneID: id, Reason: "bulk"})
			}
		}
		return h
	}
	dir := filepath.Join(t.TempDir(), "data")
	size := func() (bytes int) {
		for _, text := range inboxOf(t, dir) {
			bytes += len(text)
		}
		return bytes
	}
	leave(t, dir, t0, hook(1))
	one := size()
	for self := 2; self <= n; self++ {
		leave(t, dir, t0.Add(time.Duration(self)*time.Second), hook(self))
	}
	if size() > 10*one {
		t.Errorf("%d hooks of one event left %d bytes, the first %d", n, size(), one)
	}
	if files := len(inboxOf(t, dir)); files != n {
		t.Errorf("%d files, want each hook's own scene", files)
	}
	again := hook(1)
	again.First = true
	before := size()
	leave(t, dir, t0.Add(9*time.Minute), again)             // the same edit again
	leave(t, dir, t0.Add(9*time.Minute+time.Hour), hook(2)) // and much later
	if more := size() - before; more < 2*one-10 {
		t.Errorf("two more events left %d bytes, want twice %d", more, one)
	}
	s := openIn(t, dir)
	if taken, err := s.TakeInbox(t.Context(), t0); err != nil || taken != n+2 || jobsIn(t, s) != n {
		t.Errorf("took %d files, %v; %d jobs, want %d", taken, err, jobsIn(t, s), n)
	}
}

// inboxOf returns the content of the inbox files.
func inboxOf(t *testing.T, dir string) (texts []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(inboxes.Of(dir), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

func TestTakeInboxSetsNoMark(t *testing.T) {
	s := openStore(t)
	leave(t, s.Dir(), t0, own(5))
	if err := s.ClearMark(t.Context()); err != nil { // a run begins
		t.Fatal(err)
	}
	if _, err := s.TakeInbox(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	if !record(t, s, t0.Add(time.Second), own(6)) { // the run has ended early
		t.Error("a hook does not ask because of a mark without a request")
	}
}
