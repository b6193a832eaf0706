package stashlog

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

func TestEventsAreFramedForStash(t *testing.T) {
	for _, c := range []struct {
		level zerolog.Level
		want  string
	}{
		{zerolog.TraceLevel, "\x01t\x02"},
		{zerolog.DebugLevel, "\x01d\x02"},
		{zerolog.InfoLevel, "\x01i\x02"},
		{zerolog.WarnLevel, "\x01w\x02"},
		{zerolog.ErrorLevel, "\x01e\x02"},
		{zerolog.FatalLevel, "\x01e\x02"},
		{zerolog.PanicLevel, "\x01e\x02"},
		{zerolog.NoLevel, "\x01i\x02"},
	} {
		var out bytes.Buffer
		log := New(&out, nil).Logger(true)
		log.WithLevel(c.level).Int("scene", 12).Str("to", "a b").Err(errors.New("x=1")).Msg("synced\nnow\u2028or\x1bnever")
		if got, want := out.String(), c.want+`synced now or never scene=12 to="a b" error="x=1"`+"\n"; got != want {
			t.Errorf("%v: %q, want %q", c.level, got, want)
		}
	}
}

func TestDebugIsOffUnlessAskedFor(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, nil).Logger(false)
	log.Debug().Msg("x")
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}

func TestLinesStayUnder4KiB(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, nil).Logger(false)
	log.Info().Msg(strings.Repeat("é", 100_000))
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 2 || len(lines[0]) > lineLimit || len(lines[0]) < lineLimit-4 || !strings.HasSuffix(lines[0], "é…\n") {
		t.Errorf("%d lines, the first of %d bytes", len(lines)-1, len(lines[0]))
	}
}

func TestSecretsAreNeverWritten(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, nil)
	w.AddSecret("tok/en+1=")
	w.AddSecret("abc") // too short to differ from a word
	log := w.Logger(false)
	log.Info().Str("url", "http://x/?t=tok%2Fen%2B1%3D").Msg("with tok/en+1= and abc")
	if got := out.String(); strings.Contains(got, "tok") || !strings.Contains(got, "abc") {
		t.Errorf("wrote %q", got)
	}
}

func TestProgressNeverGoesBack(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, nil)
	for _, p := range []float64{-1, 0.25, 0.25001, 0.1, math.NaN(), 0.5, 7, 0.9} {
		w.Progress(p)
	}
	if got, want := out.String(), "\x01p\x020.2500\n\x01p\x020.5000\n\x01p\x021.0000\n"; got != want {
		t.Errorf("progress %q, want %q", got, want)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestLostLogIsNoticedOnce(t *testing.T) {
	noticed := 0
	log := New(broken{}, func() { noticed++ }).Logger(false)
	log.Info().Msg("a")
	log.Info().Msg("b")
	if noticed != 1 {
		t.Errorf("noticed %d times, want 1", noticed)
	}
}

func TestLongestSecretIsReplacedFirst(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, nil)
	w.AddSecret("abcd")
	w.AddSecret("abcdEFGH")
	w.AddSecret(`pass"word\end`)
	w.AddSecret("a&b<c>")
	log := w.Logger(false)
	log.Info().Str("quoted", `it is pass"word\end`).Strs("list", []string{"a&b<c>", `pass"word\end`}).Msg("abcdEFGH")
	if got, want := out.String(), "\x01i\x02*** quoted=\"it is ***\" list=[\"***\",\"***\"]\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

// lines records every call of Write.
type lines struct {
	mu    sync.Mutex
	calls []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, string(p))
	return len(p), nil
}

func TestConcurrentLinesAreOneWriteEach(t *testing.T) {
	out := &lines{}
	w := New(out, nil)
	log := w.Logger(false)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				w.AddSecret(fmt.Sprintf("secret-%d-%d", i, n))
				log.Info().Int("from", i).Msg("hello")
				w.Progress(float64(n) / 50)
			}
		})
	}
	all.Wait()
	framed := regexp.MustCompile("^\x01(i\x02hello from=[0-7]|p\x020\\.[0-9]{4})\n$")
	for _, c := range out.calls {
		if !framed.MatchString(c) {
			t.Fatalf("one write held %q", c)
		}
	}
	if len(out.calls) < 400 {
		t.Errorf("%d writes, want 400 and those of progress", len(out.calls))
	}
}

func TestErrorCallbackMayLog(t *testing.T) {
	var w *Writer
	noticed := 0
	notice := func() {
		noticed++
		if !w.mu.TryLock() {
			t.Fatal("a line written here would wait for itself")
		}
		w.mu.Unlock()
		log := w.Logger(false)
		log.Error().Msg("Stash has gone away")
	}
	w = New(broken{}, notice)
	w.Progress(0.5)
	w = New(broken{}, notice)
	log := w.Logger(false)
	log.Info().Msg("x")
	if noticed != 2 {
		t.Errorf("noticed %d times, want once by progress and once by a line", noticed)
	}
}

func TestPrivateTextsAreRedactedUntilReveal(t *testing.T) {
	line := func(w *Writer, out *bytes.Buffer) string {
		out.Reset()
		log := w.Logger(true)
		title, path := text.Private("My \"title\""), text.Private("/v/my file.mp4")
		log.Info().Str("title", title).Strs("paths", []string{path}).Err(errors.New("no " + path)).Msg("about " + title)
		return out.String()
	}
	var out bytes.Buffer
	w := New(&out, nil)
	if got := line(w, &out); strings.Contains(got, "title\\") || strings.Contains(got, "my file") || strings.Count(got, "[") < 4 {
		t.Errorf("before the user was asked: %q", got)
	}
	w.Reveal(true)
	if got, want := line(w, &out), "\x01i\x02about My \"title\" title=\"My \\\"title\\\"\" paths=[\"/v/my file.mp4\"] error=\"no /v/my file.mp4\"\n"; got != want {
		t.Errorf("revealed: %q, want %q", got, want)
	}
}
