package ops

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

// given reports whether an argument is there. null and "" count as absent.
func (a Args) given(name string) bool {
	v := a[name]
	return v != nil && v != ""
}

// text returns a text on one line; "" if it is absent.
func (a Args) text(name string) (string, error) {
	if !a.given(name) {
		return "", nil
	}
	s, ok := a[name].(string)
	if !ok {
		return "", fmt.Errorf("args.%s is %s; it must be a text", name, shown(a[name]))
	}
	return text.OneLine(s, text.Limit), nil
}

// oneOf returns one of several texts, the first of which is the default.
func (a Args) oneOf(name string, values ...string) (string, error) {
	s, err := a.text(name)
	switch {
	case err != nil:
		return "", err
	case s == "":
		return values[0], nil
	case !slices.Contains(values, s):
		return "", fmt.Errorf("args.%s is %s; valid values: %s", name, shown(s), strings.Join(values, ", "))
	}
	return s, nil
}

// number returns an integer from least to most; other if it is absent.
func (a Args) number(name string, least, most, other int) (int, error) {
	if !a.given(name) {
		return other, nil
	}
	v, ok := a[name].(float64)
	if n, is := a[name].(int); is {
		v, ok = float64(n), true
	}
	if !ok || v != math.Trunc(v) || v < float64(least) || v > float64(most) {
		return 0, fmt.Errorf("args.%s is %s; it must be an integer from %d to %d", name, shown(a[name]), least, most)
	}
	return int(v), nil
}

// yes returns a boolean; false if it is absent.
func (a Args) yes(name string) (bool, error) {
	if !a.given(name) {
		return false, nil
	}
	b, ok := a[name].(bool)
	if !ok {
		return false, fmt.Errorf("args.%s is %s; it must be true or false", name, shown(a[name]))
	}
	return b, nil
}

// scene returns the id of a scene; 0 if it is absent.
func (a Args) scene(name string) (int, error) {
	if !a.given(name) {
		return 0, nil
	}
	id := hooks.ID(a[name])
	if id == 0 {
		return 0, fmt.Errorf("args.%s is %s; it must be the id of a scene", name, shown(a[name]))
	}
	return id, nil
}

// scenes returns ids of scenes, each once; none if they are absent.
func (a Args) scenes(name string, most int) ([]int, error) {
	if !a.given(name) {
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
			return nil, fmt.Errorf("args.%s contains %s; it must contain ids of scenes", name, shown(v))
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

// shown returns a value of an argument for a message.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", clip(s))
	}
	return clip(fmt.Sprint(v))
}

func clip(s string) string { return text.OneLine(s, text.ValueLimit) }
