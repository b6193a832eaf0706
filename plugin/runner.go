// Package plugin is what Stash calls: hooks, which only record what wants syncing, and tasks, which are
// operations too and do the work or tell about it. What a failure means is decided in engine; what is kept
// is kept by store.
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

	"github.com/rs/zerolog"
	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// ID is the name under which Stash knows this plugin: that of its yml file.
const ID = "stash-plex-sync"

// A Runner serves one call of Stash. Stash launches a process for each hook, task and operation, calls Run
// once and Stop at most once, from another goroutine.
type Runner struct {
	Version string
	Stderr  io.Writer // Stash's log

	cancel context.CancelFunc
	ctx    context.Context
	once   sync.Once
	begun  atomic.Bool   // Run was called
	idle   chan struct{} // closed when Run has returned
}

// NewRunner returns a Runner that logs to stderr in Stash's framing.
func NewRunner(version string, stderr io.Writer) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{Version: version, Stderr: stderr, ctx: ctx, cancel: cancel, idle: make(chan struct{})}
}

// Run performs what Stash asks for. It never returns a Go error, because Stash drops those: a failure is
// in output.Error. Everything is stored when it returns; Stash may kill the process right after.
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
			fail(output, log, fmt.Errorf("a bug in stash-plex-sync %s: %v; please report it with the log; nothing that was queued is lost", r.Version, p))
		}
	}()
	if hook, is := input.Args[hookKey]; is {
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

// asTask is the argument that distinguishes a task from an operation. The yml sets it for each of its tasks, so
// that every job in Stash's queue has it, whoever asked for it.
const asTask = "task"

// isTask reports whether a task was started: nobody waits for its answer, and Stash writes its result into its
// log. The result of an operation goes to the caller, who waits for it.
func isTask(args common.ArgsMap) bool { return args.String(asTask) != "" }

// loggedAtMost is how long a task's result may be, in bytes, since all of it becomes one line of Stash's log.
const loggedAtMost = 3000

// shown is a result as it may be handed on: to an operation's caller as it is, and for Stash's log on one line
// of bounded length, with what is private in it as the log shows it.
func shown(result any, logged bool, log *stashlog.Writer) (any, error) {
	var encoded bytes.Buffer
	enc := json.NewEncoder(&encoded)
	enc.SetEscapeHTML(false) // a secret is known as it stands between quotes, and not otherwise
	if err := enc.Encode(result); err != nil {
		return nil, fmt.Errorf("write the result: %w", err)
	}
	if !logged {
		return json.RawMessage(log.Hide(text.Plain(encoded.String()))), nil
	}
	var value any
	if err := json.Unmarshal(encoded.Bytes(), &value); err != nil {
		return nil, fmt.Errorf("write the result: %w", err)
	}
	value = eachText(value, func(s string) string { return text.OneLine(log.Hide(log.Shown(s)), text.Limit) })
	if text, err := json.Marshal(value); err != nil || len(text) > loggedAtMost {
		return "too long for the log: the lines above tell what matters, and the operation of the same mode returns all", err
	}
	return value, nil
}

// eachText changes every text in a decoded result. Not the result as a whole: a text may end in the middle of
// what is private in it.
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

// fail puts an error into the output, which Stash writes into its log.
func fail(output *common.PluginOutput, log *stashlog.Writer, err error) {
	output.SetError(errors.New(log.Hide(log.Shown(err.Error()))))
}

// mendable is the part of an error that tells a person which file is in trouble and what to do, if it has one:
// the rest is what the program was doing with it.
func mendable(err error) error {
	if f, ok := errors.AsType[*sqlitefile.Error](err); ok {
		return f
	}
	return err
}

// Stop ends what Run does, within a second; a hook that is still recording its job finishes that first.
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

// DataDir returns the folder in which everything is kept: beside Stash's configuration, where it survives
// updates and reinstallation of the plugin, or where STASH_PLEX_SYNC_DIR says.
func DataDir(conn common.StashServerConnection) (string, error) {
	if dir := os.Getenv("STASH_PLEX_SYNC_DIR"); dir != "" {
		return dir, nil
	}
	if conn.Dir == "" {
		return "", errors.New("the data folder is not known, because Stash did not say where its configuration is: set STASH_PLEX_SYNC_DIR to a folder for the queue")
	}
	return conn.Dir + string(os.PathSeparator) + ID, nil
}

// watchParent ends the run when Stash has died: it would never be told otherwise.
func watchParent(ctx context.Context, end context.CancelFunc, log zerolog.Logger) {
	gone := parentGone()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if gone() {
				log.Debug().Msg("Stash has gone away")
				end()
				return
			}
		}
	}
}
