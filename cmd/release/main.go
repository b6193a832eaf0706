// Command release packs what build.sh has built for each platform: a package for all of them with the index
// that Stash's package manager reads, a zip for each to be unpacked by hand, their sums, and the notes.
// The same input makes the same bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/pkg"
	"github.com/stashapp/stash/pkg/plugin"
	"gopkg.in/yaml.v2"
)

const name = "stash-plex-sync"

//go:embed launcher.sh
var launcher []byte

//go:embed README.txt
var readme []byte

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err) // a terminal
		os.Exit(1)
	}
}

// run takes the date of the release in seconds, the folder of what was built and the one to write to.
func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: release DATE FROM TO")
	}
	seconds, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return fmt.Errorf("the date is no number of seconds: %w", err)
	}
	return release(time.Unix(seconds, 0).UTC(), args[1], args[2])
}

// release packs the folder from, which holds the plugin's yml, LICENSE, CHANGELOG.md and a folder with the
// program for each platform.
func release(date time.Time, from, to string) error {
	config, err := readConfig(filepath.Join(from, name+".yml"))
	if err != nil {
		return err
	}
	about, err := shared(from)
	if err != nil {
		return err
	}
	platforms, err := fs.Glob(os.DirFS(from), "*-*/"+name+"*") // sorted
	if err != nil {
		return err
	}
	if len(platforms) == 0 {
		return fmt.Errorf("nothing is built in %s", from)
	}
	programs := []entry{{name: name, mode: 0o755, data: launcher}}
	for _, path := range platforms {
		program, err := byHand(date, filepath.Join(from, path), to, about)
		if err != nil {
			return err
		}
		programs = append(programs, program)
	}
	// The yml comes first: Windows refuses to replace a program that is running, and what was unpacked until
	// then must work with it. The launcher comes next: it waits for the rest.
	all := slices.Concat(about[:1], programs, about[1:])
	if err := writeZip(date, filepath.Join(to, name+".zip"), all); err != nil {
		return err
	}
	if err := writeIndex(date, config, to); err != nil {
		return err
	}
	if err := writeSums(to); err != nil {
		return err
	}
	notes, err := notesFor(*config.Version, filepath.Join(from, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "NOTES.md"), notes, 0o644)
}

// readConfig reads the plugin's yml as Stash does.
func readConfig(path string) (*plugin.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var c plugin.Config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.Version == nil || c.Description == nil {
		return nil, fmt.Errorf("%s has no version or no description", path)
	}
	return &c, nil
}

// shared returns what every package holds, the yml first.
func shared(from string) ([]entry, error) {
	yml, err := os.ReadFile(filepath.Join(from, name+".yml"))
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(from, "LICENSE"))
	if err != nil {
		return nil, err
	}
	return []entry{
		{name: name + ".yml", mode: 0o644, data: yml},
		{name: "LICENSE", mode: 0o644, data: license},
		{name: "README.txt", mode: 0o644, data: readme},
	}, nil
}

// byHand makes the zip of one platform, with a folder to be put into Stash's plugins folder, and returns the
// program as the package for all platforms holds it.
func byHand(date time.Time, path, to string, about []entry) (entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return entry{}, err
	}
	platform := filepath.Base(filepath.Dir(path))
	files := slices.Insert(slices.Clone(about), 1, entry{name: filepath.Base(path), mode: 0o755, data: data})
	for i := range files {
		files[i].name = name + "/" + files[i].name
	}
	zip := filepath.Join(to, name+"-"+platform+".zip")
	if err := writeZip(date, zip, files); err != nil {
		return entry{}, err
	}
	program := entry{name: name + "-" + platform, mode: 0o755, packed: zip, as: files[1].name}
	if strings.HasSuffix(path, ".exe") {
		program.name = name + ".exe"
	}
	return program, nil
}

// writeIndex makes the source that users add to Stash. It is written with Stash's own type.
func writeIndex(date time.Time, c *plugin.Config, to string) error {
	sum, err := sumOf(filepath.Join(to, name+".zip"))
	if err != nil {
		return err
	}
	index, err := yaml.Marshal([]pkg.RemotePackage{{
		ID:              name,
		Name:            c.Name,
		Metadata:        pkg.PackageMetadata{"description": *c.Description},
		PackageVersion:  pkg.PackageVersion{Version: *c.Version, Date: pkg.Time{Time: date}},
		PackageLocation: pkg.PackageLocation{Path: name + ".zip", Sha256: sum},
	}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "index.yml"), index, 0o644)
}

func sumOf(path string) (string, error) {
	data, err := os.ReadFile(path)
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}

func writeSums(to string) error {
	files, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, f := range files {
		sum, err := sumOf(filepath.Join(to, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, f.Name())
	}
	return os.WriteFile(filepath.Join(to, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// notesFor returns what the changelog says of a version or, if that is not named, of what is unreleased.
func notesFor(version, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sections := strings.Split("\n"+string(text), "\n## ")[1:]
	for _, title := range []string{version, "Unreleased"} {
		for _, s := range sections {
			heading, body, _ := strings.Cut(s, "\n")
			if found, _, _ := strings.Cut(strings.Trim(heading, "[] "), " "); strings.TrimSuffix(found, "]") == title {
				return []byte(strings.TrimSpace(body) + "\n"), nil
			}
		}
	}
	return nil, fmt.Errorf("%s tells neither of %s nor of what is unreleased", path, version)
}
