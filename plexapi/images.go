package plexapi

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// MaxImage bounds the size of an upload in bytes. Plex fails at about 10 MB.
const MaxImage = 10_000_000

// ImageKind is a kind of picture of an item, by its singular name.
type ImageKind string

// The kinds of pictures.
const (
	Poster     ImageKind = "poster"
	Background ImageKind = "art"
)

// Lock returns the name of the field that locks the picture.
func (k ImageKind) Lock() string {
	if k == Poster {
		return "thumb"
	}
	return string(k)
}

func (k ImageKind) valid() bool { return k == Poster || k == Background }

// Picture is one of the pictures that Plex offers for an item.
type Picture struct {
	Key      string // its URI, such as upload://posters/<SHA-1>, media://… or https://…
	Selected bool
}

// IsUpload reports whether the picture is the upload of the bytes with this ImageHash.
func (p Picture) IsUpload(hash string) bool {
	n := len(p.Key) - len(hash)
	return len(hash) == hex.EncodedLen(sha1.Size) && n >= 0 && strings.EqualFold(p.Key[n:], hash)
}

// ImageHash returns the name that Plex gives to an upload of these bytes.
func ImageHash(data []byte) string {
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// imageRequest returns a request for one kind of picture of an item, or an error if the kind or the key is invalid.
func imageRequest(op, method string, kind ImageKind, key string) (request, error) {
	r := request{op: op + " of item " + key, method: method, path: "/library/metadata/" + key + "/" + string(kind)}
	if !ValidKey(key) || !kind.valid() {
		return r, &Error{Class: Rejected, Op: r.op, Err: errors.New("a picture needs a kind and a rating key")}
	}
	return r, nil
}

// Pictures lists the pictures of a kind that Plex offers for an item, including uploads.
func (c *Client) Pictures(ctx context.Context, kind ImageKind, key string) ([]Picture, error) {
	r, err := imageRequest("list the "+string(kind)+"s", http.MethodGet, kind, key)
	if err != nil {
		return nil, err
	}
	r.path += "s"
	var pictures []Picture
	err = c.do(ctx, r, func(body io.Reader) error {
		type row struct {
			RatingKey flexString `json:"ratingKey"`
			Selected  flexBool   `json:"selected"`
		}
		var m struct { // which of them holds the rows depends on the version of Plex
			Metadata  list[row] `json:"Metadata"`
			Photo     list[row] `json:"Photo"`
			Directory list[row] `json:"Directory"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		pictures = nil
		for _, rows := range []list[row]{m.Metadata, m.Photo, m.Directory} {
			for _, p := range rows {
				if p.RatingKey != "" {
					pictures = append(pictures, Picture{Key: string(p.RatingKey), Selected: bool(p.Selected)})
				}
			}
		}
		return nil
	})
	return pictures, err
}

// shown matches the address of the picture that an item shows: Item.Thumb or Item.Art.
var shown = regexp.MustCompile(`^/library/metadata/[0-9]{1,19}/(thumb|art)/[0-9]{1,19}$`)

// Image reads the picture that an item shows, given Item.Thumb or Item.Art. It refuses every other address, which could be
// of another server, and pictures larger than MaxImage. What it returns may be of any format.
func (c *Client) Image(ctx context.Context, address string) ([]byte, error) {
	r := request{op: "read a picture", method: http.MethodGet, path: address, header: map[string]string{"Accept": "image/*"}}
	if !shown.MatchString(address) {
		r.path = ""
		return nil, &Error{Class: Rejected, Op: r.op, Err: errors.New("its address is not one of a picture of an item")}
	}
	var data []byte
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		if data, err = io.ReadAll(io.LimitReader(body, MaxImage+1)); len(data) > MaxImage {
			err = errTooLarge
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Upload uploads a picture for an item, and Plex usually selects it at once. Plex keeps every upload forever, but the
// same bytes only once, so repeating an upload is harmless. Upload does not send pictures larger than MaxImage.
func (c *Client) Upload(ctx context.Context, kind ImageKind, key string, data []byte, contentType string) error {
	r, err := imageRequest("upload the "+string(kind), http.MethodPost, kind, key)
	if err != nil {
		return err
	}
	if len(data) == 0 || len(data) > MaxImage {
		return &Error{Class: Rejected, Op: r.op, Err: fmt.Errorf("a picture has 1 to %d bytes, not %d", MaxImage, len(data))}
	}
	r.path += "s"
	r.body, r.header = data, map[string]string{"Content-Type": contentType}
	return c.do(ctx, r, discard)
}

// Select selects one of the pictures that Plex offers for an item.
func (c *Client) Select(ctx context.Context, kind ImageKind, key, pictureKey string) error {
	r, err := imageRequest("select the "+string(kind), http.MethodPut, kind, key)
	if err != nil {
		return err
	}
	if pictureKey == "" {
		return &Error{Class: Rejected, Op: r.op, Err: errors.New("a picture needs a key to be selected")}
	}
	r.query = encode(url.Values{"url": {pictureKey}})
	return c.do(ctx, r, discard)
}
