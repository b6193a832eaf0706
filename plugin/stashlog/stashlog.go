// Package stashlog writes zerolog's events in the form in which Stash reads a plugin's standard error:
// one line each, SOH, a letter for the level, STX, text. It decides nothing about what is logged.
//
// Stash ends a plugin whose line is longer than 64 KiB, takes a line without the frame for an error, and
// reads the letter p as progress.
package stashlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// lineLimit is how long a line may be, frame included, in bytes: 4 KiB with the plugin's name, which Stash
// puts before it.
const lineLimit = 4096 - 96

// progressSteps is how finely progress is told.
const progressSteps = 10_000

// secretAtLeast is how long a secret must be to be looked for: shorter ones occur in ordinary words.
const secretAtLeast = 4

// A Writer writes to Stash's log. It is safe for concurrent use.
type Writer struct {
	mu      sync.Mutex
	out     io.Writer
	onError func() // called once, when nothing can be written any more
	failed  bool
	secrets []string
	reveal  bool // what is private may be written
	done    float64
}

// New returns a Writer to out, which is a plugin's standard error. onError, if it is not nil, is called
// once when a write fails: Stash has gone away. It may log.
func New(out io.Writer, onError func()) *Writer {
	return &Writer{out: out, onError: onError}
}

// Logger returns a logger that writes here, with debug events or without.
func (w *Writer) Logger(debug bool) zerolog.Logger {
	level := zerolog.InfoLevel
	if debug {
		level = zerolog.TraceLevel
	}
	return zerolog.New(w).Level(level)
}

// AddSecret makes sure that a text is never written from now on, in none of its forms. A text of less than
// four bytes is no secret.
func (w *Writer) AddSecret(secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets = addForms(w.secrets, secret)
}

// Hide replaces every secret in a text.
func (w *Writer) Hide(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hide(text)
}

func (w *Writer) hide(text string) string { return hide(text, w.secrets) }

// Reveal sets whether private parts of texts are written as they are. Until the first call they are redacted,
// because the user's choice is not known yet.
func (w *Writer) Reveal(reveal bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reveal = reveal
}

// Shown returns s with its private parts readable or redacted, as Reveal says.
func (w *Writer) Shown(s string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reveal {
		return text.Plain(s)
	}
	return text.Redact(s)
}

// Progress tells how far a task has come, from 0 to 1, in ten thousandths. It never goes back.
func (w *Writer) Progress(done float64) {
	w.noticeIf(w.advance(done))
}

func (w *Writer) advance(done float64) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done = math.Floor(min(max(done, 0), 1)*progressSteps) / progressSteps
	if math.IsNaN(done) || done <= w.done {
		return false
	}
	w.done = done
	return w.put('p', strconv.FormatFloat(done, 'f', 4, 64))
}

// Write implements io.Writer for events without a level.
func (w *Writer) Write(event []byte) (int, error) {
	return w.WriteLevel(zerolog.InfoLevel, event)
}

// WriteLevel implements zerolog.LevelWriter. event is zerolog's JSON. It returns no error: zerolog would
// write that to standard error itself, without Stash's frame.
func (w *Writer) WriteLevel(level zerolog.Level, event []byte) (int, error) {
	w.noticeIf(w.line(letter(level), render(event, w.Shown)))
	return len(event), nil
}

func (w *Writer) line(letter byte, text string) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.put(letter, text)
}

// noticeIf tells that the log is lost. The caller does not hold mu, so that onError may log.
func (w *Writer) noticeIf(lost bool) {
	if lost && w.onError != nil {
		w.onError()
	}
}

// letter is Stash's letter of a level. The first letters of panic and fatal mean something else to Stash.
func letter(level zerolog.Level) byte {
	switch level {
	case zerolog.TraceLevel:
		return 't'
	case zerolog.DebugLevel:
		return 'd'
	case zerolog.WarnLevel:
		return 'w'
	case zerolog.ErrorLevel, zerolog.FatalLevel, zerolog.PanicLevel:
		return 'e'
	}
	return 'i'
}

// put writes one line in one call. It reports whether that showed for the first time that the log is lost.
// The caller holds mu.
func (w *Writer) put(letter byte, s string) (lost bool) {
	line := append([]byte{1, letter, 2}, text.ClipBytes(text.OneLine(w.hide(s), 0), lineLimit-4)...)
	_, err := w.out.Write(append(line, '\n'))
	lost = err != nil && !w.failed
	w.failed = w.failed || err != nil
	return lost
}

// render turns an event into "message key=value …", its fields in the order in which they were given, each
// text as shown shows it.
func render(event []byte, shown func(string) string) string {
	dec := json.NewDecoder(bytes.NewReader(event))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return shown(string(event))
	}
	var message, fields string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return shown(string(event))
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return shown(string(event))
		}
		switch key {
		case zerolog.LevelFieldName:
		case zerolog.MessageFieldName:
			message = shown(fmt.Sprint(value))
		default:
			fields += fmt.Sprintf(" %v=%s", key, show(value, shown))
		}
	}
	return strings.TrimSpace(message + fields)
}

// show writes a value so that its end can be seen.
func show(value any, shown func(string) string) string {
	switch v := value.(type) {
	case string:
		v = shown(v)
		if v != "" && !strings.ContainsAny(v, " \t\n\"=") {
			return v
		}
		return strconv.Quote(v)
	case json.Number:
		return v.String()
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a secret is known as it stands between quotes, and not otherwise
	if err := enc.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return shown(strings.TrimSuffix(b.String(), "\n"))
}
