// Command stash-plex-sync is the plugin that Stash launches. Stash starts it without arguments and exchanges JSON-RPC
// messages with it over standard input and output. In a shell it prints its version or the state of a queue, and signs in to Plex.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// version is set by build.sh.
var version = "dev"

// grace is how long a run may take to end after a signal. Stash kills the process a second after its signal.
const grace = 900 * time.Millisecond

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0 && !isTerminal(stdin):
		return serve(stdin, os.Stdout, stderr)
	case len(args) == 0:
		explain(stdout)
		return 0
	}
	switch args[0] {
	case "version", "--version":
		fmt.Fprintln(stdout, "stash-plex-sync", version) // a terminal
		return 0
	case "help", "--help", "-h":
		explain(stdout)
		return 0
	case "status":
		if err := printStatus(args[1:], stdout); err != nil {
			fmt.Fprintln(stderr, "stash-plex-sync:", err) // a terminal
			return 1
		}
		return 0
	case "sign-out":
		if err := signOut(args[1:], stdout); err != nil {
			fmt.Fprintln(stderr, "stash-plex-sync:", err) // a terminal
			return 1
		}
		return 0
	case "sign-in":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if err := signIn(ctx, args[1:], stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "stash-plex-sync:", err) // a terminal
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "stash-plex-sync: unknown command %q\n", args[0]) // a terminal
	explain(stderr)
	return 2
}

func explain(w io.Writer) {
	fmt.Fprint(w, `stash-plex-sync is a plugin for Stash that copies scene metadata to Plex.
Stash starts it automatically. To install it, put its folder into Stash's plugins folder and press
"Reload plugins" in Settings > Plugins; then sign in (below), or fill in "Plex address" and "Plex token" there.

Commands:
  stash-plex-sync version                  prints the version
  stash-plex-sync status --db FILE [--json]  prints the state of a queue (FILE is queue.db, in the folder
                                           stash-plex-sync beside Stash's config.yml)
  stash-plex-sync sign-in --dir FOLDER     signs in to Plex and chooses a server (FOLDER is that of Stash's config.yml)
  stash-plex-sync sign-out --dir FOLDER    removes that sign-in with its tokens
`) // a terminal
}

// isTerminal reports whether a file is a terminal. Stash passes a pipe.
func isTerminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&fs.ModeCharDevice != 0
}

// serve answers Stash until it closes the pipe or sends a signal. It writes only JSON-RPC to standard output.
func serve(stdin, stdout *os.File, stderr io.Writer) int {
	log.SetOutput(io.Discard)      // net/http logs parts of answers
	signal.Ignore(syscall.SIGPIPE) // a failing write shows that Stash is gone
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	runner := plugin.NewRunner(version, stderr)
	go func() {
		<-signals
		end(runner)
		os.Exit(0)
	}()
	if err := plugin.Serve(runner, stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "\x01e\x02stash-plex-sync: %v\n", err) // nothing reads an error of this
		return 1
	}
	return 0
}

// end cancels the runner and waits until it is idle, or until grace is over.
func end(runner *plugin.Runner) {
	runner.Cancel()
	if !runner.Started() {
		return
	}
	deadline := time.After(grace)
	select {
	case <-runner.Idle():
		select { // Run has returned and its answer is being sent; Stash then closes the pipe, which ends the process
		case <-deadline:
		case <-time.After(100 * time.Millisecond):
		}
	case <-deadline:
	}
}

// statusFlags parses the arguments of the command status.
func statusFlags(args []string) (file string, asJSON bool, err error) {
	set := flag.NewFlagSet("status", flag.ContinueOnError)
	set.SetOutput(io.Discard) // the error is enough
	set.StringVar(&file, "db", "", "")
	set.BoolVar(&asJSON, "json", false, "")
	err = set.Parse(args)
	if err == nil && set.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if err != nil {
		return "", false, fmt.Errorf("status accepts --db FILE and --json, not %q: %w", strings.Join(args, " "), err)
	}
	if file == "" {
		return "", false, errors.New("status needs --db FILE: queue.db in the folder stash-plex-sync beside Stash's config.yml")
	}
	return file, asJSON, nil
}

// printStatus prints the state of a queue. It creates and changes nothing.
func printStatus(args []string, stdout io.Writer) error {
	file, asJSON, err := statusFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		explain(stdout)
		return nil
	}
	if err != nil {
		return err
	}
	if fi, err := os.Stat(file); err != nil {
		return fmt.Errorf("no queue found: %w", err)
	} else if fi.IsDir() {
		file = filepath.Join(file, "queue.db")
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("no queue found: %w", err)
		}
	}
	ctx := context.Background()
	db, err := store.OpenFile(ctx, file)
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	r, err := status.Read(ctx, db, version)
	if err != nil {
		return err
	}
	report := r.Text()
	if asJSON {
		indented, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		report = string(indented) + "\n"
	}
	_, err = io.WriteString(stdout, text.Plain(report))
	return err
}
