package plugin

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// manifest is what Stash's package manager writes into a plugin's folder once it has unpacked it.
const manifest = "manifest"

// settleIn makes later launches cheaper. It takes a moment, so no hook does it; the lock is held.
func (s *session) settleIn() {
	program, err := os.Executable()
	if err == nil {
		err = replaceLauncher(program, s.Version)
	}
	if err != nil {
		s.z.Debug().Err(err).Msg("each launch of the plugin goes on to start a shell first")
	}
}

// replaceLauncher puts the program that runs into the place of the script that started it, so that the next
// launch does without a shell. It does so only in a folder of Stash's package manager, which removes its files
// before it writes others: what unpacks into the same files by hand finds the script for ever. The program is
// copied, because a link would share what such a hand overwrites. Processes of several Stashes may do this at once.
func replaceLauncher(program, version string) error {
	folder, name := filepath.Split(program)
	if name != ID+"-"+runtime.GOOS+"-"+runtime.GOARCH || installed(folder) != version {
		return nil
	}
	launcher := filepath.Join(folder, ID)
	script, err := os.ReadFile(launcher)
	if err != nil || !bytes.HasPrefix(script, []byte("#!")) {
		return err
	}
	if err := sweep(folder); err != nil {
		return err
	}
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := put(launcher, from); err != nil {
		return err
	}
	if installed(folder) == version {
		return nil
	}
	return put(launcher, bytes.NewReader(script)) // an update has begun meanwhile, and may have brought another script
}

// installed is the version that Stash says is in a folder; "" if it is replacing or removing that, or did not
// install it. Stash removes the yml first and the manifest last, and writes them in that order, too.
func installed(folder string) string {
	if _, err := os.Stat(filepath.Join(folder, ID+".yml")); err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(folder, manifest))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if version, is := strings.CutPrefix(line, "version: "); is {
			return strings.Trim(strings.TrimSpace(version), `"'`)
		}
	}
	return ""
}

// sweep removes what processes have left that died in put. One that is at work then finds its file gone.
func sweep(folder string) error {
	left, err := fs.Glob(os.DirFS(folder), ID+".new*")
	for _, file := range left {
		err = errors.Join(err, os.Remove(filepath.Join(folder, file)))
	}
	return err
}

// put replaces an executable file. A crash of the system leaves the old one or the new one.
func put(path string, content io.Reader) (err error) {
	to, err := os.OpenFile(path+".new."+rand.Text(), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("replace %s: %w", path, errors.Join(err, os.Remove(to.Name())))
		}
	}()
	_, err = io.Copy(to, content)
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), path)
}
