package desk

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// Args are the arguments of a call, as JSON has them. Any web page may have sent them.
type Args map[string]any

// Given reports whether an argument is there. null and "" count as absent.
func (a Args) Given(name string) bool {
	v := a[name]
	return v != nil && v != ""
}

// Text returns a text on one line; "" if it is absent.
func (a Args) Text(name string) (string, error) {
	if !a.Given(name) {
		return "", nil
	}
	s, ok := a[name].(string)
	if !ok {
		return "", fmt.Errorf("args.%s is %s; it must be a text", name, Shown(a[name]))
	}
	return text.OneLine(s, text.Limit), nil
}

// OneOf returns one of several texts, the first of which is the default.
func (a Args) OneOf(name string, values ...string) (string, error) {
	s, err := a.Text(name)
	switch {
	case err != nil:
		return "", err
	case s == "":
		return values[0], nil
	case !slices.Contains(values, s):
		return "", fmt.Errorf("args.%s is %s; valid values: %s", name, Shown(s), strings.Join(values, ", "))
	}
	return s, nil
}

// Number returns an integer from least to most; other if it is absent.
func (a Args) Number(name string, least, most, other int) (int, error) {
	if !a.Given(name) {
		return other, nil
	}
	v, ok := a[name].(float64)
	if n, is := a[name].(int); is {
		v, ok = float64(n), true
	}
	if !ok || v != math.Trunc(v) || v < float64(least) || v > float64(most) {
		return 0, fmt.Errorf("args.%s is %s; it must be an integer from %d to %d", name, Shown(a[name]), least, most)
	}
	return int(v), nil
}

// Yes returns a boolean; false if it is absent.
func (a Args) Yes(name string) (bool, error) {
	if !a.Given(name) {
		return false, nil
	}
	b, ok := a[name].(bool)
	if !ok {
		return false, fmt.Errorf("args.%s is %s; it must be true or false", name, Shown(a[name]))
	}
	return b, nil
}

// Scene returns the id of a scene; 0 if it is absent.
func (a Args) Scene(name string) (int, error) {
	if !a.Given(name) {
		return 0, nil
	}
	id := hooks.ID(a[name])
	if id == 0 {
		return 0, fmt.Errorf("args.%s is %s; it must be the id of a scene", name, Shown(a[name]))
	}
	return id, nil
}

// Scenes returns ids of scenes, each once; none if they are absent.
func (a Args) Scenes(name string, most int) ([]int, error) {
	if !a.Given(name) {
		return nil, nil
	}
	list, ok := a[name].([]any)
	if !ok || len(list) > most {
		return nil, fmt.Errorf("args.%s must be a list of at most %d ids of scenes", name, most)
	}
	seen := make(map[int]bool, len(list))
	ids := make([]int, 0, len(list))
	for _, v := range list {
		id := hooks.ID(v)
		if id == 0 {
			return nil, fmt.Errorf("args.%s contains %s; it must contain ids of scenes", name, Shown(v))
		}
		if !seen[id] {
			seen[id], ids = true, append(ids, id)
		}
	}
	return ids, nil
}

// Limits of settings that are given in a call.
const (
	settingsAtMost = 64
	settingsBytes  = 20_000 // as JSON
)

// GivenSettings returns the settings that a call names with their values, as Stash would store them; nil if it names none.
// The values may be of any type: package settings judges them.
func GivenSettings(v any) (map[string]any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	given, ok := v.(map[string]any)
	encoded, err := json.Marshal(v)
	if !ok || err != nil || len(given) > settingsAtMost || len(encoded) > settingsBytes {
		return nil, fmt.Errorf("args.settings must be an object of at most %d settings with their values, at most %d bytes", settingsAtMost, settingsBytes)
	}
	return given, nil
}

// Shown returns a value of an argument for a message.
func Shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", Clip(s))
	}
	return Clip(fmt.Sprint(v))
}

// Clip returns a text on one line, cut to what a message has room for.
func Clip(s string) string { return text.OneLine(s, text.ValueLimit) }
