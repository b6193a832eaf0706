package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// colored returns a picture of one color.
func (w *world) colored(c color.Color) []byte {
	w.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for i := range 640 * 360 {
		m.Set(i%640, i/640, c)
	}
	var b bytes.Buffer
	w.must(png.Encode(&b, m))
	return b.Bytes()
}

// asked returns the arguments of an operation; more holds names and values.
func asked(mode string, more ...any) map[string]any {
	args := make(map[string]any)
	for name, value := range arguments(mode, more) {
		args[name] = value
	}
	return args
}

// picture returns a picture in an answer of the operation pictures: its address, or why there is none.
func picture(out map[string]any, name string) (url, why string) {
	one := out[name].(map[string]any)
	url, _ = one["url"].(string)
	return url, one["why"].(string)
}

func TestPicturesAreTheCoverAndWhatPlexShows(t *testing.T) {
	w := newWorld(t, 3)
	w.settings(map[string]any{"fields": "+background"})
	w.stash.Change(1, func(s *stashtest.Scene) { s.Title, s.Cover = "T", w.colored(color.RGBA{200, 0, 0, 255}) })
	w.stash.Change(2, func(s *stashtest.Scene) { s.Title = "T" })
	pictures := func(args ...any) map[string]any {
		t.Helper()
		return w.op(asked("pictures", args...))
	}
	w.op(map[string]any{"mode": "rebuild-index"})
	w.plex.Forget()
	before := pictures("scene_id", 1, "rating_key", w.keys[1])
	cover, _ := picture(before, "cover")
	poster, _ := picture(before, "poster")
	if !strings.HasPrefix(cover, "data:image/jpeg;base64,") || !strings.HasPrefix(poster, "data:image/jpeg;base64,") || cover == poster || before["rating_key"] != w.keys[1] {
		t.Errorf("before the push: %v", before)
	}
	for _, r := range w.plex.Requests() {
		if r.Method != "GET" {
			t.Errorf("it writes: %+v", r)
		}
	}
	w.bulk("New", 1)
	w.process()
	after := pictures("scene_id", 1)
	cover, _ = picture(after, "cover")
	poster, _ = picture(after, "poster")
	background, _ := picture(after, "background")
	if cover == "" || poster != cover || background != cover {
		t.Errorf("after the push: %v", after)
	}
	if _, why := picture(pictures("scene_id", 2), "cover"); !strings.Contains(why, "placeholder") {
		t.Errorf("a scene without a cover: %s", why)
	}
	if _, why := picture(pictures("scene_id", 99), "cover"); why != "Stash has no scene 99, or cannot read it" {
		t.Errorf("no such scene: %s", why)
	}
	for _, key := range []any{w.keys[2], "1", "../identity", 7} { // whoever asks sees nothing else in Plex
		if out, err := w.host.Operation(w.context(), asked("pictures", "scene_id", 1, "rating_key", key)); err == nil || !strings.Contains(err.Error(), "args.rating_key") {
			t.Errorf("rating_key %v: %v, %v", key, out, err)
		}
	}
	w.plex.Stop()
	off := pictures("scene_id", 1)
	if url, why := picture(off, "poster"); url != "" || why == "" {
		t.Errorf("Plex is off: %v", off)
	}
	if url, _ := picture(off, "cover"); url == "" {
		t.Errorf("Plex is off: %v", off)
	}
}

func TestPicturesShowNothingThatIsNoPicture(t *testing.T) {
	w := newWorld(t, 1)
	w.op(map[string]any{"mode": "rebuild-index"})
	var large bytes.Buffer
	w.must(png.Encode(&large, image.NewGray(image.Rect(0, 0, 5000, 4000))))
	for name, c := range map[string]struct {
		data []byte
		why  string
	}{
		"SVG":                 {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "the picture cannot be"},
		"HTML":                {[]byte("<html><script>alert(1)</script>"), "the picture cannot be used"},
		"a picture cut short": {w.colored(color.White)[:len(w.colored(color.White))-30], "the png is damaged"},
		"too many pixels":     {large.Bytes(), "5000 × 4000 pixels"},
		"too many bytes":      {append(w.colored(color.White), make([]byte, plexapi.MaxImage)...), "too large"},
	} {
		w.stash.Change(1, func(s *stashtest.Scene) { s.Title, s.Cover = "T", c.data })
		if url, why := picture(w.op(asked("pictures", "scene_id", 1)), "cover"); url != "" || !strings.Contains(why, c.why) {
			t.Errorf("%s: %.60s, %s", name, url, why)
		}
	}
}
