package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// pollEvery is how often a sign-in looks whether the person has confirmed it.
const pollEvery = 2 * time.Second

// folderFlag parses the arguments of a command that needs the data folder.
func folderFlag(command string, args []string) (dir string, err error) {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard) // the error is enough
	set.StringVar(&dir, "dir", "", "")
	err = set.Parse(args)
	if err == nil && set.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if err != nil {
		return "", fmt.Errorf("%s accepts --dir FOLDER, not %q: %w", command, strings.Join(args, " "), err)
	}
	if dir == "" {
		return "", fmt.Errorf("%s needs --dir FOLDER: the folder of Stash's config.yml", command)
	}
	return dataDir(dir)
}

// dataDir returns the data folder for the folder of Stash's configuration; a data folder is returned as it is.
func dataDir(dir string) (string, error) {
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	switch {
	case there("config.yml"):
		return filepath.Join(dir, plugin.ID), nil
	case there("queue.db"), there("account.json"):
		return dir, nil
	}
	return "", fmt.Errorf("%s contains neither Stash's config.yml nor a queue.db: name the folder of config.yml", dir)
}

// signIn signs a person in with a code for plex.tv/link, and lets the person choose a server.
func signIn(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	dir, err := folderFlag("sign-in", args)
	if errors.Is(err, flag.ErrHelp) {
		explain(out)
		return nil
	}
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer db.Close() // what was written is committed
	desk := account.NewDesk(dir, version, func(ctx context.Context) (string, error) { return db.ClientID(ctx, time.Now()) })
	s := &signingIn{desk, bufio.NewScanner(in), out}
	handle, err := s.confirm(ctx)
	if err != nil {
		return err
	}
	return s.choose(ctx, handle)
}

// signOut removes the sign-in.
func signOut(args []string, out io.Writer) error {
	dir, err := folderFlag("sign-out", args)
	if errors.Is(err, flag.ErrHelp) {
		explain(out)
		return nil
	}
	if err == nil {
		err = account.SignOut(context.Background(), dir)
	}
	if err == nil {
		fmt.Fprintln(out, "Signed out: the tokens are removed from "+dir+".") // a terminal
	}
	return err
}

// signingIn is a conversation with a person.
type signingIn struct {
	*account.Desk
	in  *bufio.Scanner
	out io.Writer
}

func (s *signingIn) say(format string, values ...any) {
	fmt.Fprintf(s.out, format+"\n", values...) // a terminal
}

// ask returns what the person types. The error says that the input has ended.
func (s *signingIn) ask(question string) (string, error) {
	fmt.Fprint(s.out, question+" ") // a terminal
	if !s.in.Scan() {
		return "", errors.Join(errors.New("nothing was chosen; run the command again to continue"), s.in.Err())
	}
	return strings.TrimSpace(s.in.Text()), nil
}

// confirm waits until the person has confirmed the sign-in, and returns its handle.
func (s *signingIn) confirm(ctx context.Context) (handle string, err error) {
	started, err := s.Start(ctx, false)
	if err != nil {
		return "", err
	}
	s.say("Open %s in a browser, sign in to Plex, and enter this code: %s\n(valid for %d minutes; Ctrl-C cancels)", started.Link, started.Code, int(started.Expires.Minutes()))
	said := account.Pending
	for {
		state, err := s.Poll(ctx, started.Handle)
		if err != nil {
			return "", err
		}
		switch state.State {
		case account.Claimed:
			s.say("Signed in%s.", as(state.Name))
			return started.Handle, nil
		case account.Expired, account.Replaced, account.Refused, account.Clock:
			return "", fmt.Errorf("%s: %s", state.Text, state.Remedy)
		case said:
		default: // it passes
			s.say("%s: %s", state.Text, state.Remedy)
			said = state.State
		}
		select {
		case <-ctx.Done():
			return "", errors.New("the sign-in was cancelled")
		case <-time.After(max(pollEvery, state.RetryAfter)):
		}
	}
}

func as(name string) string {
	if name == "" {
		return ""
	}
	return " as " + name
}

// choose lets the person choose a server and, if none of its addresses answers, type one.
func (s *signingIn) choose(ctx context.Context, handle string) error {
	found, err := s.Servers(ctx, "")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("this account has no Plex server: claim your server in Plex with this account, or sign in with the account that owns it")
	}
	s.say("Servers of this account, as seen from this computer:")
	for i, f := range found {
		switch {
		case f.Problem != "":
			s.say("  %d. %s: %s", i+1, f.Name, f.Problem)
		case f.Best == "":
			s.say("  %d. %s: none of its addresses answers", i+1, f.Name)
		default:
			s.say("  %d. %s at %s", i+1, f.Name, f.Best)
		}
	}
	f, err := s.server(found)
	if err != nil {
		return err
	}
	address := f.Best
	if address == "" {
		for _, t := range f.Addresses {
			s.say("     %s: %s", t.URL, t.Problem)
		}
		typed, err := s.ask("Type the address of " + f.Name + " as seen from this computer, such as http://192.168.1.5:32400:")
		if err != nil {
			return err
		}
		if address, err = settings.Address(typed); err != nil {
			return err
		}
	}
	chosen, err := s.Choose(ctx, f.MachineID, address, handle)
	if err != nil {
		return err
	}
	s.say("Stash Plex Sync uses %s at %s. Next, in Stash: Settings > Tasks > \"Check connection\".", chosen.Name, chosen.URL)
	return nil
}

// server asks for one of the servers, unless there is only one that can be chosen.
func (s *signingIn) server(found []account.Found) (account.Found, error) {
	if len(found) == 1 && found[0].Problem == "" {
		return found[0], nil
	}
	for {
		typed, err := s.ask(fmt.Sprintf("Which one? (1-%d)", len(found)))
		if err != nil {
			return account.Found{}, err
		}
		n, err := strconv.Atoi(typed)
		switch {
		case err != nil || n < 1 || n > len(found):
			s.say("Type a number from 1 to %d.", len(found))
		case found[n-1].Problem != "":
			s.say("%s cannot be chosen: %s", found[n-1].Name, found[n-1].Problem)
		default:
			return found[n-1], nil
		}
	}
}
