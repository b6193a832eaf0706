package account

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// folder returns a data folder in which somebody has signed in.
func folder(t *testing.T) (dir, path string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if _, err := update(t.Context(), dir, func(a *Account) error { a.Client, a.Token = "client-1", accountToken; return nil }); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, File)
}

func TestOthersNeverReadTheAccount(t *testing.T) {
	dir, path := folder(t)
	mode := func() string {
		t.Helper()
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fi.Mode().String()
	}
	for name, change := range map[string]func() error{
		"writing":  func() error { return SignOut(t.Context(), dir) },
		"starting": func() error { Risk(dir); return nil },
	} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil || mode() != "-rw-------" {
			t.Errorf("%s: %s, %v", name, mode(), err)
		}
	}
	if risk := Risk(dir); risk != "" {
		t.Error(risk)
	}
}

// What is no file of its own in the place of account.json is neither read nor replaced.
func TestOtherThingsInThePlaceOfTheAccount(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":   func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "other.json"), path) },
	} {
		dir, path := folder(t)
		if err := errors.Join(os.Rename(path, filepath.Join(dir, "other.json")), put(path)); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{func() error { _, err := Load(dir); return err }(), SignOut(t.Context(), dir)} {
			if err == nil || !strings.Contains(err.Error(), "remove it, then sign in again") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAccountWithoutWhatGuardsATokenIsDamaged(t *testing.T) {
	for _, content := range []string{
		"", "x", "[]", `{"token":7}`, `{"server":{}}`, `{"server":{"url":"http://10.0.0.1","token":"t"}}`, `{"server":{"machine_id":"m","token":"t"}}`, `{"pin":{"id":7}}`,
	} {
		dir, path := folder(t)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := Load(dir)
		if _, damaged := errors.AsType[*DamagedError](err); !damaged || a != (Account{}) {
			t.Errorf("%q: %+v, %v", content, a, err)
		}
		if err := SignOut(t.Context(), dir); err != nil {
			t.Errorf("%q is not repaired: %v", content, err)
		}
		if _, err := Load(dir); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// A process that is killed while it writes leaves the former file whole, and no token beside it after the next change.
func TestUnfinishedAccountIsRemoved(t *testing.T) {
	dir, path := folder(t)
	left := filepath.Join(dir, "."+File+".new-123")
	if err := os.WriteFile(left, []byte(accountToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SignOut(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	for _, one := range list {
		content, read := os.ReadFile(filepath.Join(dir, one.Name()))
		if err = errors.Join(err, read); strings.Contains(string(content), accountToken) {
			t.Errorf("%s contains the token", one.Name())
		}
	}
	if _, there := os.Stat(path); err != nil || there != nil {
		t.Error(err, there)
	}
}

func TestAccountIsAlwaysWhole(t *testing.T) {
	dir, _ := folder(t)
	long := strings.Repeat("x", 50_000)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 25 {
				if _, err := update(t.Context(), dir, func(a *Account) error { a.Name += "y"; a.Completed = long; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { writers.Wait(); close(ended) }()
	for reads := 0; ; reads++ {
		if a, err := Load(dir); err != nil || a.Token != accountToken {
			t.Fatalf("read %d: %+v, %v", reads, a, err)
		}
		select {
		case <-ended:
			if a, err := Load(dir); err != nil || len(a.Name) != 100 {
				t.Errorf("of 100 changes %d are kept, %v", len(a.Name), err)
			}
			return
		default:
		}
	}
}
