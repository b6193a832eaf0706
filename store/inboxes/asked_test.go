package inboxes

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOneOfManyHooksAsksForARun(t *testing.T) {
	inbox, now := t.TempDir(), time.Now()
	ask := func(when time.Duration, want bool, why string) {
		t.Helper()
		if got := Ask(inbox, now.Add(when)); got != want {
			t.Errorf("%s: Ask = %v", why, got)
		}
	}
	ask(0, true, "the first")
	ask(time.Second, false, "soon after")
	ClearAsked(inbox)
	ask(2*time.Second, true, "after a run has started")
	ask(time.Minute, true, "after a run that did not reach the inbox")
	if err := os.Chtimes(filepath.Join(inbox, askedFile), now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	ask(0, true, "with a mark from the future")
	inbox = filepath.Join(inbox, "missing")
	ask(0, true, "where the mark cannot be created")
	ask(0, true, "where the mark cannot be created, again")
}

func TestReasonIsReportedOnceUntilTheInboxIsRead(t *testing.T) {
	inbox := t.TempDir()
	report := func(want bool, why string) {
		t.Helper()
		if got := MustReport(inbox); got != want {
			t.Errorf("%s: MustReport = %v", why, got)
		}
	}
	report(true, "the first")
	report(false, "the second")
	ClearReported(inbox)
	report(true, "after a run has read the inbox")
	inbox = filepath.Join(inbox, "missing")
	report(true, "where the mark cannot be created")
	report(true, "where the mark cannot be created, again")
}
