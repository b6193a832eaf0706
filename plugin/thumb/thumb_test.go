package thumb

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// webp1 is a lossless WebP of one white pixel.
const webp1 = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func picture(w, h int, c color.Color) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, c)
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decoded returns the picture in a data URL.
func decoded(t testing.TB, url string) image.Image {
	t.Helper()
	text, ok := strings.CutPrefix(url, prefix)
	data, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(url) > Limit {
		t.Fatalf("%d bytes, %v: %.60s", len(url), err, url)
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDataURLShowsASmallJPEGOfEachFormat(t *testing.T) {
	red := picture(600, 300, color.RGBA{200, 0, 0, 255})
	var jpg, anim bytes.Buffer
	if err := errors.Join(jpeg.Encode(&jpg, red, nil), gif.Encode(&anim, red, nil)); err != nil {
		t.Fatal(err)
	}
	one, err := base64.StdEncoding.DecodeString(webp1)
	if err != nil {
		t.Fatal(err)
	}
	noise := image.NewRGBA(image.Rect(0, 0, 900, 2000))
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise.Pix) // it never fails
	for _, c := range []struct {
		name string
		data []byte
		w, h int
		red  bool
	}{
		{"JPEG", jpg.Bytes(), 240, 120, true},
		{"PNG", pngOf(t, red), 240, 120, true},
		{"GIF", anim.Bytes(), 240, 120, true},
		{"WebP", one, 1, 1, false},
		{"small", pngOf(t, picture(20, 10, color.White)), 20, 10, false},
		{"wide", pngOf(t, picture(20_000, 3, color.White)), 240, 1, false},
		{"high", pngOf(t, picture(3, 20_000, color.White)), 1, 480, false},
		{"transparent", pngOf(t, picture(10, 10, color.Transparent)), 10, 10, false},
		{"noise", pngOf(t, noise), 216, 480, false},
	} {
		url, err := DataURL(t.Context(), c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		m := decoded(t, url)
		if m.Bounds().Dx() != c.w || m.Bounds().Dy() != c.h {
			t.Errorf("%s: %v, want %d × %d", c.name, m.Bounds(), c.w, c.h)
		}
		if r, g, _, _ := m.At(c.w/2, c.h/2).RGBA(); c.red && (r>>8 < 180 || g>>8 > 30) {
			t.Errorf("%s: the middle is %v", c.name, m.At(c.w/2, c.h/2))
		}
	}
}

// bomb returns a PNG that claims to be large.
func bomb(t testing.TB, w, h int) []byte {
	data := pngOf(t, picture(1, 1, color.White))
	binary.BigEndian.PutUint32(data[16:], uint32(w))
	binary.BigEndian.PutUint32(data[20:], uint32(h))
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestDataURLRefusesWhatItCannotShow(t *testing.T) {
	whole := pngOf(t, picture(100, 100, color.White))
	for name, c := range map[string]struct {
		data []byte
		why  string
	}{
		"nothing":             {nil, "no JPEG"},
		"SVG":                 {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "no JPEG"},
		"HTML":                {[]byte("<html>"), "no JPEG"},
		"AVIF":                {[]byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf"), "no JPEG"},
		"a PNG that is cut":   {whole[:len(whole)-30], "the png is damaged"},
		"too many pixels":     {bomb(t, 4097, 4097), "4097 × 4097"},
		"as many as can be":   {bomb(t, 1<<31-1, 1<<31-1), "JPEG"},
		"a side that is long": {bomb(t, 30_001, 1), "30001 × 1"},
	} {
		url, err := DataURL(t.Context(), c.data)
		if url != "" || !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %.60s, %v, want %q", name, url, err, c.why)
		}
	}
}

func TestDataURLEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if url, err := DataURL(ctx, pngOf(t, picture(100, 100, color.White))); url != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", url, err)
	}
}

func FuzzDataURL(f *testing.F) {
	one, err := base64.StdEncoding.DecodeString(webp1)
	if err != nil {
		f.Fatal(err)
	}
	small := picture(9, 5, color.RGBA{1, 2, 3, 200})
	var jpg, anim bytes.Buffer
	if err := errors.Join(jpeg.Encode(&jpg, small, nil), gif.Encode(&anim, small, nil)); err != nil {
		f.Fatal(err)
	}
	for _, data := range [][]byte{nil, one, jpg.Bytes(), anim.Bytes(), pngOf(f, small), bomb(f, 5000, 5000)} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if size, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && size.Width*size.Height > 1<<20 {
			return // slow, and of the same kind
		}
		url, err := DataURL(t.Context(), data)
		if (url == "") != errors.Is(err, ErrUnusable) {
			t.Fatalf("%.60s, %v", url, err)
		}
		if err == nil {
			decoded(t, url)
		}
	})
}
