// Command release packs the programs that build.sh has built: one package for all platforms with the index
// for Stash's package manager, one zip per platform for manual installation, checksums, and release notes.
// The same input gives the same bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// run takes the date of the release in Unix seconds, the folder to read and the folder to write.
func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: release DATE FROM TO")
	}
	seconds, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return fmt.Errorf("the date must be in seconds: %w", err)
	}
	return release(time.Unix(seconds, 0).UTC(), args[1], args[2])
}

// release packs the folder from, which contains the plugin's yml, the page's files that the yml names, LICENSE,
// CHANGELOG.md and a folder with the program for each platform.
func release(date time.Time, from, to string) error {
	config, err := readConfig(filepath.Join(from, name+".yml"))
	if err != nil {
		return err
	}
	yml, err := fileOf(from, name+".yml")
	if err != nil {
		return err
	}
	page, err := pageOf(config, from)
	if err != nil {
		return err
	}
	license, err := fileOf(from, "LICENSE")
	if err != nil {
		return err
	}
	about := []entry{license, {name: "README.txt", mode: 0o644, data: readme}}
	platforms, err := fs.Glob(os.DirFS(from), "*-*/"+name+"*") // sorted
	if err != nil {
		return err
	}
	if len(platforms) == 0 {
		return fmt.Errorf("%s contains no built programs", from)
	}
	var programs []entry
	for _, path := range platforms {
		program, err := manual(date, filepath.Join(from, path), to, yml, slices.Concat(page, about))
		if err != nil {
			return err
		}
		programs = append(programs, program)
	}
	// The yml comes first: Windows does not replace a running program, and the files unpacked before that
	// error must work with it. The launcher comes next: it waits for the rest. The page follows, before that error: it
	// shows that the program has another version, and it is not missing while the programs are unpacked.
	all := slices.Concat([]entry{yml, {name: name, mode: 0o755, data: launcher}}, page, programs, about)
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

// readConfig parses the plugin's yml as Stash does.
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
		return nil, fmt.Errorf("%s lacks a version or a description", path)
	}
	return &c, nil
}

// fileOf reads a file of a package by its name there.
func fileOf(from, file string) (entry, error) {
	data, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(file)))
	return entry{name: file, mode: 0o644, data: data}, err
}

// pageOf returns the files of the page inside Stash that the yml names, and all files of the folders that it names. Stash
// skips a missing one without a message. The scripts come last: they need all others.
func pageOf(c *plugin.Config, from string) (files []entry, err error) {
	var names []string
	for _, folder := range slices.Sorted(maps.Values(c.UI.Assets)) {
		list, err := fs.Glob(os.DirFS(from), folder+"/*")
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("the yml names the folder %s of the page, and nothing is built there", folder)
		}
		names = append(names, list...)
	}
	for _, file := range slices.Concat(names, c.UI.CSS, c.UI.Javascript) {
		e, err := fileOf(from, file)
		if err != nil {
			return nil, fmt.Errorf("the yml names a file of the page that is not built: %w", err)
		}
		files = append(files, e)
	}
	return files, nil
}

// manual writes the zip of one platform, which contains a folder for Stash's plugins folder, and returns the
// program's entry in the package for all platforms.
func manual(date time.Time, path, to string, yml entry, others []entry) (entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return entry{}, err
	}
	platform := filepath.Base(filepath.Dir(path))
	files := slices.Concat([]entry{yml, {name: filepath.Base(path), mode: 0o755, data: data}}, others)
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

// writeIndex writes the source that users add to Stash, with Stash's own type.
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

// notesFor returns the section of the changelog for a version, or else the one for unreleased changes.
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
	return nil, fmt.Errorf("%s has no section for %s and none for unreleased changes", path, version)
}
