// Package account keeps the sign-in: the Plex account, the server that a person has chosen, and its tokens. They are in
// account.json beside the queue, never in it, so that they are in no copy of it and survive its damage. No token leaves
// this package but to plex.tv and, as a Connection, to the server that it belongs to.
package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	File     = "account.json" // name of the file in the data folder
	fileLock = "account.lock"
	patience = 3 * time.Second // for other processes to store theirs
)

// An Account is the content of account.json. The zero value is that of a plugin that nobody has signed in.
type Account struct {
	Client    string  `json:"client,omitempty"`  // by which Plex knows this installation
	Token     string  `json:"token,omitempty"`   // of the account; it only lists the servers
	Name      string  `json:"name,omitempty"`    // of the account
	Refused   bool    `json:"refused,omitempty"` // plex.tv no longer accepts the token
	Server    *Server `json:"server,omitempty"`
	Pin       *Pin    `json:"pin,omitempty"`
	Completed string  `json:"completed,omitempty"` // the handle of the sign-in that set Token
}

// A Server is the chosen server.
type Server struct {
	MachineID string    `json:"machine_id"`
	Name      string    `json:"name"`
	Token     string    `json:"token"`     // for this server alone
	URL       string    `json:"url"`       // the address in use
	Addresses []Address `json:"addresses"` // to which Token may go, URL among them
	// Apart means that it came from the settings or from another account: addresses that were typed for it are not offered
	// for a token of this account.
	Apart bool `json:"apart,omitempty"`
}

// An Address is one at which the server may answer.
type Address struct {
	URL   string `json:"url"`
	Local bool   `json:"local,omitempty"` // as the server sees it
	Relay bool   `json:"relay,omitempty"`
	Own   bool   `json:"own,omitempty"` // typed by a person
}

// A Pin is a sign-in in progress. Its id stays here: whoever has it and the client identifier gets the token.
type Pin struct {
	ID     int64     `json:"id"`
	Handle string    `json:"handle"` // by which callers name it
	Until  time.Time `json:"until"`
}

// A DamagedError says that account.json cannot be read.
type DamagedError struct{ Path string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged: sign in again, or set \"Plex address\" (plexUrl) and \"Plex token\" (plexToken)", e.Path)
}

// Load reads the account of a data folder. It is empty if nobody has signed in. The error of a file with other content is a
// *DamagedError. Load follows no symbolic link: signing out would leave the tokens where it leads.
func Load(dir string) (Account, error) {
	var a Account
	path := filepath.Join(dir, File)
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, nil
	case err == nil && !fi.Mode().IsRegular():
		return a, fmt.Errorf("cannot read the sign-in: %s is not a file of its own: remove it, then sign in again", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return a, fmt.Errorf("cannot read the sign-in: %w", sqlitefile.Explain(path, err))
	}
	if err := json.Unmarshal(content, &a); err != nil || !a.complete() {
		return Account{}, &DamagedError{path}
	}
	return a, nil
}

// complete reports whether nothing is missing that tells where a token may go.
func (a *Account) complete() bool {
	s := a.Server
	return (s == nil || s.MachineID != "" && s.Token != "" && s.URL != "") && (a.Pin == nil || a.Pin.Handle != "")
}

// update changes account.json in one step, while no other process does, also after the end of ctx. A damaged file counts as an empty one: signing in
// repairs it.
func update(ctx context.Context, dir string, change func(*Account) error) (a Account, err error) {
	lock, err := sqlitefile.AcquireFile(context.WithoutCancel(ctx), dir, fileLock, patience)
	if errors.Is(err, sqlitefile.ErrHeld) {
		return a, errors.New("another process is storing the sign-in: try again")
	}
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	a, err = Load(dir)
	if _, damaged := errors.AsType[*DamagedError](err); err != nil && !damaged {
		return a, err
	}
	if err := change(&a); err != nil {
		return a, err
	}
	content, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return a, err
	}
	if err := errors.Join(sqlitefile.RemoveUnfinished(dir, File), sqlitefile.WriteAtomically(dir, File, append(content, '\n'))); err != nil {
		return a, fmt.Errorf("cannot store the sign-in: %w", sqlitefile.Explain(filepath.Join(dir, File), err))
	}
	return a, nil
}

// SignOut removes the sign-in with all its tokens. The client identifier stays: a new one would be another device of the
// account.
func SignOut(ctx context.Context, dir string) error {
	_, err := update(ctx, dir, func(a *Account) error {
		*a = Account{Client: a.Client}
		return nil
	})
	return err
}

// Secrets returns the tokens, which no log and no answer may show.
func (a *Account) Secrets() []string {
	secrets := []string{a.Token}
	if a.Server != nil {
		secrets = append(secrets, a.Server.Token)
	}
	return secrets
}

// Risk returns a message about account.json if other users can read it, because the file system assigns modes itself; "" if
// they cannot. A mode that can be corrected is.
func Risk(dir string) string {
	path := filepath.Join(dir, File)
	if sqlitefile.Close(path) {
		return ""
	}
	return fmt.Sprintf("%s cannot be protected from other users on this file system: they can read the tokens of the sign-in; if other people use this machine, "+
		"sign out, and set STASH_PLEX_SYNC_DIR to a folder on a local disk", path)
}
