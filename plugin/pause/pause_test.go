package pause

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 29, 14, 5, 0, 700e6, time.UTC)

func TestPauseLastsUntilItsEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		last   time.Duration
		after  time.Duration
		paused bool
	}{
		{"without an end, at once", 0, 0, true},
		{"without an end, a year later", 0, 365 * 24 * time.Hour, true},
		{"just before its end", time.Hour, time.Hour - time.Second, true},
		{"at its end", time.Hour, time.Hour, false},
		{"long after its end", time.Hour, 30 * 24 * time.Hour, false},
		{"the clock was set back", time.Hour, -time.Minute, true},
	} {
		dir := t.TempDir()
		if err := Write(dir, New(began, "you", c.last)); err != nil {
			t.Fatal(err)
		}
		if got := Read(dir, began.Add(c.after)); (got != nil) != c.paused {
			t.Errorf("%s: %v, want paused = %v", c.name, got, c.paused)
		}
	}
}

func TestPauseSaysSinceWhenAndWhatEndsIt(t *testing.T) {
	dir := t.TempDir()
	if s := Read(dir, began); s != nil {
		t.Errorf("before: %v", s)
	}
	for last, want := range map[time.Duration]string{
		0:         "paused by Ann since 2026-11-29 14:05:00; nothing is pushed until you resume",
		time.Hour: "paused by Ann since 2026-11-29 14:05:00; nothing is pushed until 2026-11-29 15:05:00 or until you resume",
	} {
		if err := Write(dir, New(began, "Ann", last)); err != nil {
			t.Fatal(err)
		}
		s := Read(dir, began)
		if s == nil {
			t.Fatal("not paused")
		}
		at := func(text string) string {
			when, err := time.Parse(time.DateTime, text)
			if err != nil {
				t.Fatal(err)
			}
			return when.Local().Format(time.DateTime)
		}
		want = strings.NewReplacer("2026-11-29 14:05:00", at("2026-11-29 14:05:00"), "2026-11-29 15:05:00", at("2026-11-29 15:05:00")).Replace(want)
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, File)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if err := Remove(dir); err != nil || Read(dir, began) != nil {
		t.Errorf("after: %v, %v", Read(dir, began), err)
	}
	if err := Remove(dir); err != nil {
		t.Errorf("again: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestUnreadableFilePausesUntilAPersonResumes(t *testing.T) {
	write := func(content string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	for name, damage := range map[string]func(path string) error{
		"empty":     write(""),
		"zeros":     write(strings.Repeat("\x00", 100)),
		"cut":       write(`{"at":"2026-11-29T14:05:00Z","by":"yo`),
		"of others": write(`{"until":"2001-01-01T00:00:00Z"}`),
		"null":      write(`null`),
		"too long":  write(`{"at":"2026-11-29T14:05:00Z","until":"2001-01-01T00:00:00Z"}` + strings.Repeat(" ", sizeAtMost)),
		"a folder":  func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o700) },
		"a link":    func(path string) error { return os.Symlink("nowhere", path) },
	} {
		dir := t.TempDir()
		if err := damage(filepath.Join(dir, File)); err != nil {
			t.Log(name, err) // a system without links
			continue
		}
		s := Read(dir, began)
		if s == nil || s.At != nil || s.Until != nil {
			t.Fatalf("%s: %+v, want a pause without an end", name, s)
		}
		if want := "paused, because pause.json in the data folder cannot be read; nothing is pushed until you resume"; s.String() != want {
			t.Errorf("%s: %q", name, s)
		}
		if err := Remove(dir); err != nil || Read(dir, began) != nil {
			t.Errorf("%s: after resuming: %v, %v", name, Read(dir, began), err)
		}
	}
	if s := Read(filepath.Join(t.TempDir(), "none"), began); s != nil {
		t.Errorf("without a data folder: %v", s)
	}
}

func TestPauseThatCannotBeStoredIsAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if err := Write(dir, New(began, "you", 0)); err == nil || !strings.HasPrefix(err.Error(), "cannot pause: ") {
		t.Errorf("%v", err)
	}
}
