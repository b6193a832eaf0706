// Package stashlog writes zerolog's events in the format in which Stash reads a plugin's standard error:
// one line each, SOH, a letter for the level, STX, text.
//
// Stash ends a plugin that writes a line of more than 64 KiB, logs a line without this frame as an error, and
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

// lineLimit is the limit of a line with its frame, in bytes: 4 KiB together with the plugin's name, which Stash
// prepends.
const lineLimit = 4096 - 96

// progressSteps is the resolution of progress.
const progressSteps = 10_000

// secretAtLeast is the minimum length of a secret: shorter texts occur in ordinary words.
const secretAtLeast = 4

// A Writer writes to Stash's log. It is safe for concurrent use.
type Writer struct {
	mu      sync.Mutex
	out     io.Writer
	onError func() // called once, when a write fails
	failed  bool
	secrets []string
	reveal  bool // write private texts readably
	done    float64
}

// New returns a Writer to out, the plugin's standard error. It calls onError, if that is not nil, once when a write
// fails: Stash has ended then. onError may log.
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

// AddSecret replaces a text, in all of its forms, in everything that is written from now on. It ignores texts of less than
// four bytes.
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

// Reveal sets whether private parts of texts are written readably. Until the first call they are redacted, because the
// user's choice is not known yet.
func (w *Writer) Reveal(reveal bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reveal = reveal
}

// Shown returns s with its private parts readable or redacted, as set by Reveal.
func (w *Writer) Shown(s string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reveal {
		return text.Plain(s)
	}
	return text.Redact(s)
}

// Progress reports the progress of a task, from 0 to 1, in steps of 1/10,000. It never decreases.
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

// WriteLevel implements zerolog.LevelWriter. event is zerolog's JSON. It returns no error, because zerolog would write
// that to standard error without Stash's frame.
func (w *Writer) WriteLevel(level zerolog.Level, event []byte) (int, error) {
	w.noticeIf(w.line(letter(level), render(event, w.Shown)))
	return len(event), nil
}

func (w *Writer) line(letter byte, text string) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.put(letter, text)
}

// noticeIf calls onError if the log is lost. The caller does not hold mu, so that onError may log.
func (w *Writer) noticeIf(lost bool) {
	if lost && w.onError != nil {
		w.onError()
	}
}

// letter returns Stash's letter of a level. The first letters of panic and fatal have other meanings in Stash.
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

// put writes one line in one call, and reports whether this is the first write that failed. The caller holds mu.
func (w *Writer) put(letter byte, s string) (lost bool) {
	line := append([]byte{1, letter, 2}, text.ClipBytes(text.OneLine(w.hide(s), 0), lineLimit-4)...)
	_, err := w.out.Write(append(line, '\n'))
	lost = err != nil && !w.failed
	w.failed = w.failed || err != nil
	return lost
}

// render formats an event as "message key=value …", with the fields in their order and each text as shown returns it.
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

// show formats a value, quoted if its end would be unclear.
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
	enc.SetEscapeHTML(false) // secrets are found in their quoted form only
	if err := enc.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return shown(strings.TrimSuffix(b.String(), "\n"))
}
