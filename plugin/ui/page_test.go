package ui_test

import (
	"os"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

func TestMain(m *testing.M) { os.Exit(uitest.Main(m)) }

func TestEachViewOpensByItsAddress(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	tab := w.Tab()
	for _, view := range []string{"", "/queue", "/activity", "/gaps", "/preview", "/check", "/setup", "/scene/1"} {
		tab.Open("/plugins/stash-plex-sync" + view)
		tab.Wait(uitest.Text("Stash Plex Sync"))
		tab.Fits()
	}
	tab.Clean()
}
