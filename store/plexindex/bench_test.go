package plexindex

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// firstListing lists a library of n files, with a delay before each page. It returns the time for that, the time for a
// client that discards the pages, and the size of the index.
func firstListing(b *testing.B, n int, wait time.Duration) (ours, bare time.Duration, size int64) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	plex := plextest.New("token-123")
	plex.AddBulk(plex.AddSection("Videos", "movie"), n)
	must(plex.Start())
	defer plex.Stop()
	client, err := plexapi.New(plexapi.Config{URL: plex.URL(), Token: "token-123", ClientIdentifier: "id", ProductVersion: "1"})
	must(err)
	sections, err := client.Sections(b.Context())
	must(err)
	dir := b.TempDir()
	index, err := Open(b.Context(), dir)
	must(err)
	reader := Reader{List: client.List, Index: index}
	if wait > 0 {
		plex.Inject(plextest.Fault{Delay: wait})
	}
	plex.Forget()
	begin := time.Now()
	_, err = reader.Refresh(b.Context(), plex.Machine(), sections[0], time.Now())
	ours = time.Since(begin)
	must(err)
	must(index.Close())
	info, err := os.Stat(filepath.Join(dir, "index.db"))
	must(err)
	bare, err = plex.SendAgain(plex.Requests())
	must(err)
	return ours, bare, info.Size()
}

// peakMiB returns the peak memory of this process; 0 if unknown.
func peakMiB() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}

// BenchmarkFirstListing compares the first listing of a library with a client that discards the pages. The metric x is
// the quotient of the two times. Without a delay it measures our own work.
func BenchmarkFirstListing(b *testing.B) {
	const page = 20 * time.Millisecond
	for _, c := range []struct {
		files int
		page  time.Duration
	}{{100_000, 0}, {100_000, page}, {1_000_000, page}} {
		b.Run(fmt.Sprintf("files=%d/page=%s", c.files, c.page), func(b *testing.B) {
			var ours, bare time.Duration
			var size int64
			rounds := 0
			for b.Loop() {
				rounds++
				o, f, s := firstListing(b, c.files, c.page)
				ours, bare, size = ours+o, bare+f, s
			}
			b.ReportMetric(float64(ours)/float64(bare), "x")
			if c.page > 0 {
				b.ReportMetric(1.2, "goal")
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(rounds*c.files), "µs/file")
			b.ReportMetric(float64(size)/float64(c.files), "bytes/file")
			b.ReportMetric(peakMiB(), "peak-MiB")
		})
	}
}
