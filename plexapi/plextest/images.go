package plextest

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// imageLimit is the size of the largest picture that Plex accepts, in bytes.
const imageLimit = 10_000_000

const uploaded = "upload://"

// Picture is one picture that Plex offers for an item.
type Picture struct {
	Key      string // upload://posters/<SHA-1> for an upload, media://… for Plex's own frame
	Selected bool
	Data     []byte // of an upload
}

// grab adds the pictures that Plex takes from an item's file, if the item has none. It is called when the pictures are
// read, so that a large library takes little memory.
func (it *Item) grab() {
	for _, list := range []string{"posters", "arts"} {
		if pictures, lock := it.pictures(list); len(*pictures) == 0 {
			*pictures = []Picture{{Key: fmt.Sprintf("media://%s/%s.jpg", it.Key, lock), Selected: true}}
		}
	}
}

// pictures returns the pictures of a list, "posters" or "arts", and the name of the field that locks them.
func (it *Item) pictures(list string) (pictures *[]Picture, lock string) {
	if list == "posters" {
		return &it.Posters, "thumb"
	}
	return &it.Arts, "art"
}

// Poster returns the selected poster.
func (it Item) Poster() Picture { return selected(it.Posters) }

// Background returns the selected background.
func (it Item) Background() Picture { return selected(it.Arts) }

func selected(pictures []Picture) Picture {
	for _, p := range pictures {
		if p.Selected {
			return p
		}
	}
	return Picture{}
}

// choose selects a picture and changes the URL of the selected one.
func (it *Item) choose(list, key string) {
	pictures, _ := it.pictures(list)
	if selected(*pictures).Key == key {
		return
	}
	for i := range *pictures {
		(*pictures)[i].Selected = (*pictures)[i].Key == key
	}
	if list == "posters" {
		it.thumb++
	} else {
		it.art++
	}
}

// Choose selects and locks a picture of the list "posters" or "arts", as a user does. It adds a picture that Plex does
// not offer yet, such as metadata://posters/1, as an agent does.
func (s *Server) Choose(key, list, picture string) {
	s.Edit(key, func(it *Item) {
		pictures, lock := it.pictures(list)
		if !slices.ContainsFunc(*pictures, func(p Picture) bool { return p.Key == picture }) {
			*pictures = append(*pictures, Picture{Key: picture})
		}
		it.choose(list, picture)
		it.Locked[lock] = true
	})
}

// Uploads returns how many different pictures have been uploaded to an item. Plex keeps them all.
func (s *Server) Uploads(key string) int {
	n := 0
	it := s.Item(key)
	for _, p := range slices.Concat(it.Posters, it.Arts) {
		if strings.HasPrefix(p.Key, uploaded) {
			n++
		}
	}
	return n
}

// images answers requests for an item's pictures. The lists have plural names, and the selected picture a singular one.
func (s *Server) images(w http.ResponseWriter, r *http.Request, key, name string) int {
	sec, it := s.find(key)
	list := strings.TrimSuffix(name, "s") + "s"
	if it == nil || list != "posters" && list != "arts" {
		return page(w, http.StatusNotFound)
	}
	it.grab()
	switch {
	case r.Method == http.MethodGet && name == list:
		return s.listPictures(w, it, list)
	case r.Method == http.MethodPost && name == list:
		return s.upload(w, r, sec, it, list)
	case r.Method == http.MethodPut && name != list:
		return s.selectPicture(w, r, sec, it, list)
	}
	return page(w, http.StatusNotFound)
}

// address returns the address of the picture that an item shows. It changes with the picture.
func (it *Item) address(lock string) string {
	changes := it.thumb
	if lock == "art" {
		changes = it.art
	}
	return fmt.Sprintf("/library/metadata/%s/%s/%d", it.Key, lock, it.AddedAt+changes)
}

// picture answers with the picture that an item shows. Plex's own frame is a picture of one pixel.
func (s *Server) picture(w http.ResponseWriter, key, lock, version string) int {
	_, it := s.find(key)
	if it == nil || it.address(lock) != "/library/metadata/"+key+"/"+lock+"/"+version {
		return page(w, http.StatusNotFound)
	}
	it.grab()
	pictures, _ := it.pictures(map[string]string{"thumb": "posters", "art": "arts"}[lock])
	data := selected(*pictures).Data
	if data == nil {
		data = []byte(frame)
	}
	w.Header().Set("Content-Type", http.DetectContentType(data))
	w.Write(data) // the client may be gone
	return http.StatusOK
}

// frame is a GIF of one pixel.
const frame = "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

func (s *Server) listPictures(w http.ResponseWriter, it *Item, list string) int {
	rows := []any{}
	pictures, _ := it.pictures(list)
	for _, p := range *pictures {
		rows = append(rows, map[string]any{
			"key": "/library/metadata/" + it.Key + "/file?url=" + p.Key, "ratingKey": p.Key, "thumb": "/x", "selected": s.flag(p.Selected),
		})
	}
	name := s.options.PictureRows
	if name == "" {
		name = "Metadata"
	}
	return s.answer(w, map[string]any{"size": s.number(int64(len(rows))), name: rows})
}

// upload stores a picture forever, under the SHA-1 of its bytes.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, sec *section, it *Item, list string) int {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, imageLimit))
	_, large := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !large {
		return page(w, http.StatusBadRequest)
	}
	pictures, lock := it.pictures(list)
	if status := s.options.Refuse[lock]; status != 0 {
		return page(w, status)
	}
	if large || !s.options.AnyPicture && !isPicture(data) {
		return page(w, http.StatusInternalServerError)
	}
	if s.options.Stuck[lock] {
		return empty(w)
	}
	sum := sha1.Sum(data)
	key := uploaded + list + "/" + hex.EncodeToString(sum[:])
	if !slices.ContainsFunc(*pictures, func(p Picture) bool { return p.Key == key }) {
		*pictures = append(*pictures, Picture{Key: key, Data: data})
	}
	if !s.options.NoSelect {
		it.choose(list, key)
	}
	if s.options.LocksOnUpload {
		it.Locked[lock] = true
	}
	it.Updated = s.clock().Unix()
	sec.changed++
	return empty(w)
}

func isPicture(data []byte) bool {
	switch http.DetectContentType(data) {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

// selectPicture selects one of the offered pictures. The answer is not JSON.
func (s *Server) selectPicture(w http.ResponseWriter, r *http.Request, sec *section, it *Item, list string) int {
	key := r.URL.Query().Get("url")
	pictures, lock := it.pictures(list)
	if !slices.ContainsFunc(*pictures, func(p Picture) bool { return p.Key == key }) {
		return page(w, http.StatusNotFound)
	}
	if !s.options.Stuck[lock] {
		it.choose(list, key)
		it.Updated = s.clock().Unix()
		sec.changed++
	}
	fmt.Fprintf(w, "/library/metadata/%s/%s", it.Key, lock) // the client may be gone
	return http.StatusOK
}
