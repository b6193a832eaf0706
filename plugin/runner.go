// Package plugin is what Stash calls: hooks, which only record changes in the queue, and tasks, which are operations
// too. Package engine decides what a failure means, and package store keeps the state.
package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// ID is the name by which Stash identifies this plugin: that of its yml file.
const ID = "stash-plex-sync"

// A Runner serves one call of Stash. Stash launches a process for each hook, task and operation, calls Run
// once and Stop at most once, from another goroutine.
type Runner struct {
	Version string
	Stderr  io.Writer // Stash's log

	began  time.Time
	cancel context.CancelFunc
	ctx    context.Context
	once   sync.Once
	begun  atomic.Bool   // Run was called
	idle   chan struct{} // closed when Run has returned
}

// NewRunner returns a Runner that logs to stderr in Stash's framing.
func NewRunner(version string, stderr io.Writer) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{Version: version, Stderr: stderr, began: time.Now(), ctx: ctx, cancel: cancel, idle: make(chan struct{})}
}

// Run performs a call of Stash. It never returns a Go error, because Stash drops those: a failure is in
// output.Error. Everything is stored when it returns, since Stash may kill the process right after.
func (r *Runner) Run(input common.PluginInput, output *common.PluginOutput) error {
	r.begun.Store(true)
	defer r.once.Do(func() { close(r.idle) })
	log := stashlog.New(r.Stderr, r.cancel)
	if c := input.ServerConnection.SessionCookie; c != nil {
		log.AddSecret(c.Value)
	}
	defer func() {
		if p := recover(); p != nil {
			z := log.Logger(false)
			z.Error().Str("stack", strings.ReplaceAll(string(debug.Stack()), "\n", " | ")).Msgf("a bug: %v", p)
			fail(output, log, fmt.Errorf("a bug in stash-plex-sync %s: %v; nothing queued is lost. Please report it with the log", r.Version, p))
		}
	}()
	if hook, is := input.Args[hooks.Key]; is {
		if err := r.hook(input.ServerConnection, hook, log); err != nil {
			fail(output, log, err)
		}
		return nil
	}
	result, err := r.task(input, log)
	if err == nil {
		output.Output, err = shown(result, isTask(input.Args), log)
	}
	if err != nil {
		fail(output, log, mendable(err))
	}
	return nil
}

// asTask is the argument that distinguishes a task from an operation. The yml sets it for each task, so every job in
// Stash's queue has it.
const asTask = "task"

// isTask reports whether args are a task's: Stash logs its result. The result of an operation goes to the caller, which
// waits for it.
func isTask(args common.ArgsMap) bool { return args.String(asTask) != "" }

// loggedAtMost limits a task's result, in bytes: Stash logs it on one line.
const loggedAtMost = 3000

// shown returns a result without secrets: complete for the caller of an operation; for Stash's log on one line of
// limited length, with private texts as the log shows them.
func shown(result any, logged bool, log *stashlog.Writer) (any, error) {
	var encoded bytes.Buffer
	enc := json.NewEncoder(&encoded)
	enc.SetEscapeHTML(false) // secrets are found in their quoted form only
	if err := enc.Encode(result); err != nil {
		return nil, fmt.Errorf("cannot write the result: %w", err)
	}
	if !logged {
		return json.RawMessage(log.Hide(text.Plain(encoded.String()))), nil
	}
	var value any
	if err := json.Unmarshal(encoded.Bytes(), &value); err != nil {
		return nil, fmt.Errorf("cannot write the result: %w", err)
	}
	value = eachText(value, func(s string) string { return text.OneLine(log.Hide(log.Shown(s)), text.Limit) })
	if text, err := json.Marshal(value); err != nil || len(text) > loggedAtMost {
		return "too long for the log: see the lines logged before; the plugin's page shows more", err
	}
	return value, nil
}

// eachText changes every text in a decoded result. The texts are changed one by one, because a text that was cut may
// end inside a private part.
func eachText(value any, change func(string) string) any {
	switch v := value.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = eachText(v[i], change)
		}
	case map[string]any:
		for k := range v {
			v[k] = eachText(v[k], change)
		}
	}
	return value
}

// fail sets the error of the output, which Stash logs.
func fail(output *common.PluginOutput, log *stashlog.Writer, err error) {
	output.SetError(errors.New(log.Hide(log.Shown(err.Error()))))
}

// mendable returns the part of an error that names a damaged file and what to do about it, or err if it has no such
// part.
func mendable(err error) error {
	if f, ok := errors.AsType[*sqlitefile.Error](err); ok {
		return f
	}
	return err
}

// Stop cancels Run, which returns within a second. A hook that is being recorded is completed first.
func (r *Runner) Stop(_ struct{}, output *bool) error {
	r.cancel()
	*output = true
	return nil
}

// Cancel does what Stop does, for a signal.
func (r *Runner) Cancel() { r.cancel() }

// Started reports whether Run was called.
func (r *Runner) Started() bool { return r.begun.Load() }

// Idle is closed once Run has returned.
func (r *Runner) Idle() <-chan struct{} { return r.idle }

// DataDir returns the folder of the plugin's data: STASH_PLEX_SYNC_DIR if that is set, else one beside Stash's
// configuration, where it survives updates and reinstallation of the plugin.
func DataDir(conn common.StashServerConnection) (string, error) {
	if dir := os.Getenv("STASH_PLEX_SYNC_DIR"); dir != "" {
		return dir, nil
	}
	if conn.Dir == "" {
		return "", errors.New("the data folder is unknown, because Stash did not send the folder of its configuration: set STASH_PLEX_SYNC_DIR to a folder for the queue")
	}
	return conn.Dir + string(os.PathSeparator) + ID, nil
}
