package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// call launches a plugin as Stash does, waits for its answer, and returns how long that took.
func call(b *testing.B, program, request string) time.Duration {
	b.Helper()
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(in, request); err != nil {
		b.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	cmd.Process.Kill()
	cmd.Wait()
	return took
}

// A hook, side by side with a plugin that does nothing, at queues of several lengths. The metric x is how
// often the one takes as long as the other.
func BenchmarkHook(b *testing.B) {
	null := filepath.Join(b.TempDir(), "null")
	if out, err := exec.Command("go", "build", "-o", null, "./testdata/null").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, queued := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			dir := b.TempDir()
			s, err := store.Open(b.Context(), filepath.Join(dir, "stash-plex-sync"))
			if err != nil {
				b.Fatal(err)
			}
			var requests []store.Request
			for i := range queued {
				requests = append(requests, store.Request{SceneID: i + 1, Reason: "bench", Priority: 1})
			}
			if err := s.Enqueue(b.Context(), time.Now(), requests); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Ask(b.Context(), time.Now().Add(time.Hour)); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			var hook, nothing time.Duration
			i := 0
			for b.Loop() {
				i++
				request := fmt.Sprintf(`{"method":"RPCRunner.Run","params":[{"server_connection":{"Scheme":"http","Host":"127.0.0.1","Port":1,"Dir":%q},`+
					`"args":{"hookContext":{"id":%d,"type":"Scene.Update.Post","input":{"ids":["%d"]},"inputFields":["ids"]}}}],"id":0}`+"\n", dir, i, i)
				nothing += call(b, null, request)
				hook += call(b, binary(), request)
			}
			b.ReportMetric(float64(hook)/float64(nothing), "x")
			b.ReportMetric(float64(hook.Microseconds())/float64(i), "µs/hook")
		})
	}
}

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
