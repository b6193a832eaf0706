package plugin

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin"
	"github.com/stashapp/stash/pkg/utils"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
)

// loadYml loads stash-plex-sync.yml with Stash's own loader, and returns its text too.
func loadYml(t *testing.T) (*plugin.Plugin, string) {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("../" + ID + ".yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ID+".yml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cache := plugin.NewCache(pluginsAt(dir))
	cache.ReloadPlugins()
	p := cache.GetPlugin(ID)
	if p == nil {
		t.Fatal("Stash cannot load the yml")
	}
	return p, string(text)
}

// Files of the package only: a URL would let another host run code in Stash, and a wider policy would allow that.
func TestYmlNamesThePageThatIsBuilt(t *testing.T) {
	p, _ := loadYml(t)
	folder := filepath.Dir(p.ConfigPath)
	want := plugin.PluginUI{Javascript: []string{filepath.Join(folder, "page.js")}, CSS: []string{filepath.Join(folder, "page.css")}, Assets: utils.URLMap{"/ui": "ui"}}
	if !reflect.DeepEqual(p.UI, want) {
		t.Errorf("Stash loads %+v, want %+v", p.UI, want)
	}
}

func TestYmlOffersTheSettingsThatTheProgramReads(t *testing.T) {
	p, _ := loadYml(t)
	const text, number, truth = plugin.PluginSettingTypeEnumString, plugin.PluginSettingTypeEnumNumber, plugin.PluginSettingTypeEnumBoolean
	want := map[string]plugin.PluginSettingTypeEnum{
		"plexUrl": text, "plexToken": text, "plexLibraries": text, "pathMap": text, "fields": text, "contentRating": text, "keepPlexEdits": truth,
		"maxRetries": number, "timeoutSeconds": number, "insecureTLS": truth, "debugLog": truth, "redactLogs": truth, "onlyOrganized": truth, "excludeTags": text,
		"skipMissing": truth, "scanPlex": truth, "plays": text,
	}
	offered := make(map[string]plugin.PluginSettingTypeEnum)
	about := make(map[string]string)
	for _, s := range p.Settings {
		key := settings.Unnumbered(s.Name)
		offered[key], about[key] = s.Type, s.Description
		if s.Description == "" {
			t.Errorf("setting %s has no text", key)
		}
	}
	for _, e := range settings.Table(settings.Settings{}, nil) {
		if !slices.ContainsFunc(p.Settings, func(s plugin.PluginSetting) bool { return s.Name == e.Key && s.DisplayName == e.Label }) {
			t.Errorf("the yml does not offer %s as %q", e.Key, e.Label)
		}
	}
	if !maps.Equal(offered, want) {
		t.Errorf("the yml offers %v, want %v", offered, want)
	}
	for setting, words := range map[string][]string{
		"plexUrl":        {"Required without a sign-in."},
		"plexToken":      {"Required without a sign-in."},
		"fields":         merge.FieldNames(),
		"contentRating":  {"XXX", "Empty: not pushed", "Sync all scenes"},
		"maxRetries":     {strconv.Itoa(settings.MostRetries), "0 or empty means the default, " + strconv.Itoa(settings.DefaultMaxRetries) + "."},
		"timeoutSeconds": {strconv.Itoa(int(settings.LongestTimeout / time.Second)), "0 or empty means the default, " + strconv.Itoa(int(settings.DefaultTimeout/time.Second)) + "."},
	} {
		for _, word := range words {
			if !strings.Contains(about[setting], word) {
				t.Errorf("the description of %s lacks %q: %s", setting, word, about[setting])
			}
		}
	}
}

func TestYmlOffersTheTasksThatTheProgramPerforms(t *testing.T) {
	p, text := loadYml(t)
	var names, offered []string
	for _, task := range p.Tasks {
		names = append(names, task.Name)
		if task.Description == nil || *task.Description == "" {
			t.Errorf("task %s has no text", task.Name)
		}
	}
	if !slices.Contains(names, taskName) {
		t.Errorf("no task is called %q, which hooks ask for: %q", taskName, names)
	}
	// Stash's loader does not return a task's default arguments.
	for _, m := range regexp.MustCompile(`(?m)^      mode: (\S+)$`).FindAllStringSubmatch(text, -1) {
		offered = append(offered, m[1])
	}
	if n := len(regexp.MustCompile(`(?m)^      `+asTask+`: "yes"$`).FindAllString(text, -1)); n != len(names) {
		t.Errorf("%d of %d tasks set "+asTask, n, len(names))
	}
	modes := (&session{}).modes()
	for operation := range ops.All() { // the page calls them
		delete(modes, operation)
	}
	for _, operation := range []string{"sync-scene", "explain", "pull"} { // two need a scene, and Stash has no form for it; runs pull anyway
		if modes[operation] == nil {
			t.Errorf("there is no operation %s", operation)
		}
		delete(modes, operation)
	}
	for operation := range ops.All() { // of the page
		delete(modes, operation)
	}
	if got, want := slices.Sorted(slices.Values(offered)), slices.Sorted(maps.Keys(modes)); !slices.Equal(got, want) || len(names) != len(offered) {
		t.Errorf("the yml's %d tasks have the modes %v, the program performs %v", len(names), got, want)
	}
}

// The promise about edits in Plex has the same words wherever users read it. The index shows the yml's description.
func TestReadmeMakesTheSamePromiseAsTheYml(t *testing.T) {
	const promise = "Stash wins unless Keep Plex edits is on; tags added in Plex always stay."
	p, _ := loadYml(t)
	readme := strings.Join(strings.Fields(strings.ReplaceAll(readme(t), "*", "")), " ")
	for name, text := range map[string]string{"the yml's description": *p.Description, "the README": readme} {
		if !strings.Contains(text, promise) {
			t.Errorf("%s does not say: %s", name, promise)
		}
	}
}

func TestYmlAsksForTheHooksThatTheProgramHandles(t *testing.T) {
	p, _ := loadYml(t)
	var listed []string
	for _, h := range p.Hooks {
		listed = append(listed, h.Hooks...)
	}
	slices.Sort(listed)
	if want := slices.Sorted(slices.Values(hooks.Types())); !slices.Equal(listed, want) {
		t.Errorf("hooks = %v, want %v", listed, want)
	}
	for _, h := range listed {
		if _, handled, _ := hooks.Parse(map[string]any{"type": h, "id": 1.0}); !handled {
			t.Errorf("hook %s is not handled", h)
		}
	}
}

// pluginsAt is the configuration that Stash's loader needs.
type pluginsAt string

func (pluginsAt) GetHost() string              { return "" }
func (pluginsAt) GetPort() int                 { return 0 }
func (pluginsAt) GetConfigPathAbs() string     { return "" }
func (pluginsAt) HasTLSConfig() bool           { return false }
func (p pluginsAt) GetPluginsPath() string     { return string(p) }
func (pluginsAt) GetDisabledPlugins() []string { return nil }
func (pluginsAt) GetPythonPath() string        { return "" }
