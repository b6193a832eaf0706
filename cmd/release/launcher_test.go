//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shells returns the installed shells that systems use as /bin/sh: Debian's, Alpine's, that of RHEL and macOS, and
// two more. A short test uses only /bin/sh of this system.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	if _, err := os.Stat("/bin/sh"); err == nil && testing.Short() {
		return map[string][]string{"sh": {"/bin/sh"}}
	}
	for name, command := range map[string][]string{
		"dash": {"dash"}, "busybox": {"busybox", "sh"}, "bash": {"bash", "--posix"}, "mksh": {"mksh"}, "zsh": {"zsh", "--emulate", "sh"},
	} {
		if path, err := exec.LookPath(command[0]); err == nil {
			found[name] = append([]string{path}, command[1:]...)
		}
	}
	if len(found) == 0 {
		t.Skip("there is no POSIX shell here")
	}
	return found
}

// unpacked is the folder of the package for all platforms, on a system with the given loaders and answer of uname.
// Each program prints its platform and arguments.
type unpacked struct {
	*testing.T
	dir, root string
	env       []string
}

// unpack creates such a folder. The launcher looks for the system's files below root.
func unpack(t *testing.T, machine string, loaders ...string) *unpacked {
	t.Helper()
	p := &unpacked{T: t, dir: filepath.Join(t.TempDir(), "it's a \"plugins\"\nfolder $HOME"), root: t.TempDir()}
	p.env = []string{"PATH=" + filepath.Join(p.root, "bin") + ":/bin:/usr/bin"}
	if machine != "" {
		p.write(filepath.Join(p.root, "bin", "uname"), "#!/bin/sh\necho '"+machine+"'\n", 0o755)
	}
	for _, l := range loaders {
		p.write(filepath.Join(p.root, l), "", 0o644)
	}
	text := strings.ReplaceAll(string(launcher), ":/lib", ":$ROOT/lib")
	p.env = append(p.env, "ROOT="+p.root)
	p.write(filepath.Join(p.dir, name), text, 0o755)
	p.write(filepath.Join(p.dir, "LICENSE"), "", 0o644)
	for _, platform := range []string{"linux-amd64", "linux-arm64", "linux-arm", "darwin-amd64", "darwin-arm64", "freebsd-amd64"} {
		p.write(filepath.Join(p.dir, name+"-"+platform), "#!/bin/sh\necho "+platform+" $# \"$*\"\n", 0o755)
	}
	return p
}

func (p *unpacked) write(path, text string, mode os.FileMode) {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		p.Fatal(err)
	}
}

// run starts the launcher in a shell, by a path and in a folder.
func (p *unpacked) run(shell []string, in, path string, args ...string) (stdout, stderr string, code int) {
	p.Helper()
	cmd := exec.Command(shell[0], append(append(shell[1:len(shell):len(shell)], path), args...)...)
	cmd.Dir, cmd.Env = in, p.env
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); cmd.ProcessState == nil {
		p.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// wantFailure expects exit code 1 and one line at error level in Stash's form that contains a text.
func (p *unpacked) wantFailure(shell []string, text string) {
	p.Helper()
	out, said, code := p.run(shell, "/", filepath.Join(p.dir, name))
	said = strings.ReplaceAll(said, p.dir, "FOLDER")
	if code != 1 || out != "" || !strings.HasPrefix(said, "\x01e\x02") || strings.Count(said, "\n") != 1 || !strings.Contains(said, text) {
		p.Errorf("code %d, %q, %q; want one line about %q", code, out, said, text)
	}
}

func TestLauncherFindsTheProgramForTheMachine(t *testing.T) {
	const glibc64, musl64, arm64, arm = "lib64/ld-linux-x86-64.so.2", "lib/ld-musl-x86_64.so.1", "lib/ld-linux-aarch64.so.1", "lib/ld-linux-armhf.so.3"
	for shell, command := range shells(t) {
		for _, c := range []struct {
			machine string
			loaders []string
			want    string
		}{
			{"", []string{glibc64}, "linux-amd64"},
			{"", []string{musl64}, "linux-amd64"},
			{"", []string{glibc64, musl64}, "linux-amd64"},
			{"", []string{arm64}, "linux-arm64"},
			{"", []string{"lib/ld-musl-aarch64.so.1"}, "linux-arm64"},
			{"", []string{"lib/ld-musl-armhf.so.1"}, "linux-arm"},
			{"Linux aarch64", []string{arm}, "linux-arm"}, // a 32-bit system on a 64-bit kernel
			{"Linux aarch64", []string{arm64, arm}, "linux-arm64"},
			{"Linux armv7l", []string{arm64, arm}, "linux-arm"},
			{"Linux x86_64", []string{arm64, glibc64, arm}, "linux-amd64"},
			{"Linux x86_64", nil, "linux-amd64"},
			{"Linux aarch64", nil, "linux-arm64"},
			{"Linux armv6l", nil, "linux-arm"},
			{"Linux armv7l", nil, "linux-arm"},
			{"Linux armv8l", nil, "linux-arm"},
			{"Darwin x86_64", nil, "darwin-amd64"},
			{"Darwin arm64", nil, "darwin-arm64"},
			{"FreeBSD amd64", nil, "freebsd-amd64"},
		} {
			p := unpack(t, c.machine, c.loaders...)
			if out, said, code := p.run(command, "/", filepath.Join(p.dir, name), "a b", "c"); out != c.want+" 2 a b c\n" || said != "" || code != 0 {
				t.Errorf("%s: %q with %v: %q, %q, code %d; want %s", shell, c.machine, c.loaders, out, said, code, c.want)
			}
		}
	}
}

func TestLauncherSaysInOneLineWhyItCannotStart(t *testing.T) {
	for shell, command := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			for _, machine := range []string{"Linux mips64", "Linux armv5tel", "Linux i686", "FreeBSD arm64", "SunOS i86pc"} {
				unpack(t, machine).wantFailure(command, "("+machine+"): it runs on Linux")
			}
			p := unpack(t, "")
			p.write(filepath.Join(p.root, "bin", "uname"), "#!/bin/sh\necho no >&2; exit 1\n", 0o755)
			p.wantFailure(command, "(unknown): it runs on Linux")
			p = unpack(t, "Linux riscv64", "lib/ld-musl-aarch64.so.1")
			p.write(filepath.Join(p.dir, "manifest"), "", 0o644)
			p.write(filepath.Join(p.dir, name+"-linux-arm64"), "", 0o755) // a disk that was full
			p.wantFailure(command, "FOLDER/stash-plex-sync-linux-arm64 is missing: install")
			p.write(filepath.Join(p.dir, name+"-linux-arm64"), "#!/bin/sh\n", 0o644)
			if err := os.Chmod(filepath.Join(p.dir, name+"-linux-arm64"), 0o644); err != nil {
				t.Fatal(err)
			}
			p.write(filepath.Join(p.root, "bin", "chmod"), "#!/bin/sh\necho no >&2; exit 1\n", 0o755) // the folder of another user
			p.wantFailure(command, "FOLDER/stash-plex-sync-linux-arm64 is not executable: run chmod +x")
		})
	}
}

func TestLauncherWorksFromWhereverItIsStarted(t *testing.T) {
	for shell, command := range shells(t) {
		p := unpack(t, "Darwin arm64")
		elsewhere, parent := t.TempDir(), filepath.Dir(p.dir)
		for link, target := range map[string]string{
			filepath.Join(elsewhere, "plugins"):          p.dir,
			filepath.Join(elsewhere, name):               filepath.Join(p.dir, name),
			filepath.Join(elsewhere, "again"):            name,
			filepath.Join(parent, "-x"):                  p.dir,
			filepath.Join(p.dir, "stash-plex-sync-link"): name,
		} {
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ in, path string }{
			{elsewhere, "plugins/" + name},
			{elsewhere, "./plugins/" + name},
			{elsewhere, filepath.Join(elsewhere, name)},
			{elsewhere, "./again"},
			{p.dir, name},
			{p.dir, "../-x/" + name},
			{parent, filepath.Base(p.dir) + "/stash-plex-sync-link"},
		} {
			if out, said, _ := p.run(command, c.in, c.path); out != "darwin-arm64 0 \n" || said != "" {
				t.Errorf("%s: %s in %s: %q, %q", shell, c.path, c.in, out, said)
			}
		}
	}
}

// On Linux the launcher starts no other program than the shell.
func TestLauncherStartsNoOtherProgram(t *testing.T) {
	for shell, command := range shells(t) {
		p := unpack(t, "", "lib64/ld-linux-x86-64.so.2")
		p.write(filepath.Join(p.dir, name+"-linux-amd64"), "#!/bin/sh\nexit 7\n", 0o755)
		p.env[0] = "PATH=/nowhere"
		if out, said, code := p.run(command, "/", filepath.Join(p.dir, name)); code != 7 || out+said != "" {
			t.Errorf("%s: %q, %q, code %d", shell, out, said, code)
		}
	}
}

func TestLauncherMakesItsProgramExecutable(t *testing.T) {
	for shell, command := range shells(t) {
		p := unpack(t, "Linux x86_64")
		if err := os.Chmod(filepath.Join(p.dir, name+"-linux-amd64"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, said, _ := p.run(command, "/", filepath.Join(p.dir, name)); out != "linux-amd64 0 \n" || said != "" {
			t.Errorf("%s: %q, %q", shell, out, said)
		}
	}
}

func TestLauncherWaitsForAnUpdateThatIsUnpacked(t *testing.T) {
	if testing.Short() {
		t.Skip("runs processes")
	}
	for shell, command := range shells(t) {
		for state, begun := range map[string]string{"not begun": "", "half": "#!/bin/sh\necho half\n"} {
			p := unpack(t, "Linux x86_64")
			p.unpacking(begun, `: >>"$ROOT/seconds"
if [ -s "$ROOT/seconds" ]; then mv "$PROGRAM.later" "$PROGRAM" && : >"${PROGRAM%/*}/manifest"; fi
echo >>"$ROOT/seconds"`) // the program appears after two seconds
			if out, said, _ := p.run(command, "/", filepath.Join(p.dir, name)); out != "linux-amd64 0 \n" || said != "" {
				t.Errorf("%s, %s: %q, %q", shell, state, out, said)
			}
		}
	}
}

func TestLauncherHoldsNobodyUpForWhatWasNeverUnpacked(t *testing.T) {
	for shell, command := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			for begun, text := range map[string]string{"": "is missing", "#!/bin/sh\necho half\n": "is incomplete"} {
				p := unpack(t, "Linux x86_64")
				p.unpacking(begun, `echo >>"$ROOT/seconds"`)
				p.wantFailure(command, "FOLDER/stash-plex-sync-linux-amd64 "+text+": install")
				if seconds, _ := os.ReadFile(filepath.Join(p.root, "seconds")); len(seconds) != 5 {
					t.Errorf("waited for %d seconds while Stash may be unpacking it, want 5", len(seconds))
				}
				old := time.Now().Add(-time.Hour)
				if err := os.Chtimes(filepath.Join(p.dir, name), old, old); err != nil {
					t.Fatal(err)
				}
				p.wantFailure(command, "FOLDER/stash-plex-sync-linux-amd64 "+text+": install")
				if seconds, _ := os.ReadFile(filepath.Join(p.root, "seconds")); len(seconds) != 5 {
					t.Errorf("waited for %d seconds more, an hour later", len(seconds)-5)
				}
			}
		})
	}
}

// unpacking turns it into a folder that Stash is still unpacking: the program has the given contents, and later files
// are missing. A script replaces sleep; the complete program is $PROGRAM.later.
func (p *unpacked) unpacking(begun, second string) {
	p.Helper()
	program := filepath.Join(p.dir, name+"-linux-amd64")
	p.env = append(p.env, "PROGRAM="+program)
	if err := errors.Join(os.Rename(program, program+".later"), os.Remove(filepath.Join(p.dir, "LICENSE"))); err != nil {
		p.Fatal(err)
	}
	if begun != "" {
		p.write(program, begun, 0o755)
	}
	p.write(filepath.Join(p.root, "bin", "sleep"), "#!/bin/sh\n"+second+"\n", 0o755)
}
