// Package thumb makes small pictures of large ones. It passes nothing through: what it returns it has drawn itself.
package thumb

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decodes the first frame
	"image/jpeg"
	_ "image/png" // decodes
	"io"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // decodes
)

const (
	// Limit is the size of a result in bytes.
	Limit = 60_000

	width, height = 240, 480 // of the result at most
	pixelsAtMost  = 16 << 20 // of the source
	sideAtMost    = 30_000   // pixels of the source: the memory for scaling grows with it

	prefix = "data:image/jpeg;base64,"
)

// ErrUnusable reports that a small picture cannot be made of these bytes.
var ErrUnusable = errors.New("the picture cannot be shown")

// DataURL returns a small JPEG of a JPEG, PNG, GIF or WebP as the address of a page's img element, with at most Limit
// bytes. Of an animation it shows the first frame, and what is transparent becomes black. The error is ErrUnusable for
// another format, a damaged picture, and one of more than 16 megapixels, which is refused before it is decoded. When ctx
// ends, the error is that of ctx.
func DataURL(ctx context.Context, data []byte) (string, error) {
	size, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: it is no JPEG, PNG, GIF or WebP, or it is damaged", ErrUnusable)
	case size.Width <= 0 || size.Height <= 0 || size.Width > sideAtMost || size.Height > sideAtMost || size.Width*size.Height > pixelsAtMost:
		return "", fmt.Errorf("%w: it has %d × %d pixels, more than 16 megapixels or %d in a row", ErrUnusable, size.Width, size.Height, sideAtMost)
	}
	source, err := decode(ctx, data)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("%w: the %s is damaged", ErrUnusable, format)
	}
	small := scaled(source)
	for _, quality := range []int{85, 70, 50, 30, 10} {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
			return "", fmt.Errorf("%w: %w", ErrUnusable, err)
		}
		if len(prefix)+base64.StdEncoding.EncodedLen(out.Len()) <= Limit {
			return prefix + base64.StdEncoding.EncodeToString(out.Bytes()), nil
		}
	}
	return "", fmt.Errorf("%w: it stays larger than %d bytes", ErrUnusable, Limit)
}

// decode decodes a picture. It ends with ctx, since a small file can keep a decoder busy for minutes, and a decoder that
// panics has found damage.
func decode(ctx context.Context, data []byte) (m image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	m, _, err = image.Decode(&reader{ctx, bytes.NewReader(data)})
	return m, err
}

// reader reads until a context ends.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// scaled draws a picture so that it fits, and never larger than it is.
func scaled(source image.Image) image.Image {
	from := source.Bounds()
	w, h := from.Dx(), from.Dy()
	if w > width {
		w, h = width, h*width/w
	}
	if h > height {
		w, h = w*height/h, height
	}
	small := image.NewRGBA(image.Rect(0, 0, max(w, 1), max(h, 1)))
	draw.Draw(small, small.Bounds(), image.Black, image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, small.Bounds(), source, from, draw.Over, nil)
	return small
}
