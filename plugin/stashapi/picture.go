package stashapi

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// ErrUnusable reports that Stash has a cover that cannot be sent: Plex does not accept its format, or its end is missing.
var ErrUnusable = errors.New("the picture cannot be used")

// usable returns the type of a picture that can be sent. AVIF, JPEG XL and BMP are among them, because some versions of
// Plex may accept them. The placeholder that Stash sends for a scene without a cover is ErrNoPicture, and anything else is
// ErrUnusable.
func usable(data []byte, header string) (contentType string, err error) {
	contentType = sniff(data)
	switch contentType {
	case "image/jpeg":
		if cutJPEG(data) {
			return "", fmt.Errorf("%w: its format is image/jpeg and its end is missing", ErrUnusable)
		}
		return contentType, nil
	case "image/png", "image/gif", "image/webp", "image/avif", "image/jxl", "image/bmp":
		return contentType, nil
	}
	if len(data) == 0 {
		return "", fmt.Errorf("%w: it is empty", ErrUnusable)
	}
	// Only the header distinguishes an SVG from other text.
	if named, _, err := mime.ParseMediaType(header); err == nil && named == "image/svg+xml" && strings.HasPrefix(contentType, "text/") {
		if bytes.Contains(data, []byte("Font Awesome")) { // the placeholder is one of its icons
			return "", fmt.Errorf("%w: it is image/svg+xml, which is Stash's placeholder", ErrNoPicture)
		}
		contentType = named
	}
	return "", fmt.Errorf("%w: its format is %s, which Plex does not accept", ErrUnusable, contentType)
}

// sniff returns the type of a picture as detected from its bytes. It adds formats that package http does not detect.
func sniff(data []byte) string {
	begins := func(with string) bool { return bytes.HasPrefix(data, []byte(with)) }
	switch {
	case begins("\xff\x0a"), begins("\x00\x00\x00\x0cJXL \r\n\x87\n"):
		return "image/jxl"
	case begins("II*\x00"), begins("MM\x00*"):
		return "image/tiff"
	}
	brands := string(brandsOf(data))
	for _, known := range []struct{ brand, contentType string }{{"avif", "image/avif"}, {"avis", "image/avif"}, {"heic", "image/heic"}, {"mif1", "image/heic"}} {
		if strings.Contains(brands, known.brand) {
			return known.contentType
		}
	}
	return http.DetectContentType(data)
}

// brandsOf returns the brands of a file in the ISO base media format, such as AVIF, HEIC and MP4, or nil for another format.
func brandsOf(data []byte) []byte {
	if len(data) < 12 || string(data[4:8]) != "ftyp" {
		return nil
	}
	size := int(data[2])<<8 | int(data[3])
	return data[8:min(max(size, 12), len(data))]
}

// cutJPEG reports whether a JPEG ends before its end marker. The search starts after the headers, which may contain a
// complete preview. A JPEG with invalid headers is not cut: Plex decides whether it accepts it.
func cutJPEG(data []byte) bool {
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			return false
		}
		switch marker := data[at+1]; {
		case marker == 0xff: // a fill byte
			at++
		case marker == 0x01, marker >= 0xd0 && marker <= 0xd7: // without a length
			at += 2
		case marker == 0xda: // the scan
			return !bytes.Contains(data[at:], []byte{0xff, 0xd9})
		default:
			at += 2 + int(data[at+2])<<8 + int(data[at+3])
		}
	}
	return true
}
