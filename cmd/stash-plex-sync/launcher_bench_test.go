package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the launcher of the package for all platforms adds to a launch, turn by turn with the program alone:
// under the shells that are installed, and where it has to ask uname. A busy machine slows every turn, so
// the metric best-added-µs compares the fastest ones.
func BenchmarkLauncher(b *testing.B) {
	text, err := os.ReadFile("../release/launcher.sh")
	if err != nil {
		b.Fatal(err)
	}
	for _, shell := range []string{"/bin/sh", "/usr/bin/dash", "/usr/bin/busybox sh", "/usr/bin/bash --posix", "/usr/bin/mksh"} {
		for asks, loaders := range map[string]string{"": ":/lib", " and uname": ":/nowhere/lib"} {
			b.Run(shell+asks, func(b *testing.B) {
				if _, err := os.Stat(strings.Fields(shell)[0]); err != nil {
					b.Skip("not installed")
				}
				launcher := filepath.Join(b.TempDir(), "stash-plex-sync")
				script := "#!" + shell + strings.TrimPrefix(strings.ReplaceAll(string(text), ":/lib", loaders), "#!/bin/sh")
				if err := os.WriteFile(launcher, []byte(script), 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(filepath.Dir(launcher), "LICENSE"), nil, 0o644); err != nil { // all is unpacked
					b.Fatal(err)
				}
				if err := os.Link(binary(), launcher+"-"+runtime.GOOS+"-"+runtime.GOARCH); err != nil {
					b.Fatal(err)
				}
				programs := [2]string{binary(), launcher}
				var took [2][]time.Duration
				for b.Loop() {
					for i, program := range programs {
						began := time.Now()
						if err := exec.Command(program, "version").Run(); err != nil {
							b.Fatal(err)
						}
						took[i] = append(took[i], time.Since(began))
					}
				}
				slices.Sort(took[0])
				slices.Sort(took[1])
				alone, launched := took[0][len(took[0])/2], took[1][len(took[1])/2]
				b.ReportMetric(float64((launched - alone).Microseconds()), "added-µs")
				b.ReportMetric(float64((took[1][0] - took[0][0]).Microseconds()), "best-added-µs")
				b.ReportMetric(float64(launched)/float64(alone), "x")
			})
		}
	}
}
