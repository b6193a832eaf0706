package plexapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Identity reads the identity of the server. It sends no token.
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	return c.identity(ctx, false)
}

func (c *Client) identity(ctx context.Context, probe bool) (Identity, error) {
	var id Identity
	r := request{op: "read Plex's identity", method: http.MethodGet, path: "/identity", anonymous: true, identity: true, probe: probe}
	if probe {
		r.timeout = probeTimeout
	}
	began := time.Now()
	err := c.do(ctx, r, func(body io.Reader) error {
		var m struct {
			MachineIdentifier flexString `json:"machineIdentifier"`
			Version           flexString `json:"version"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		if m.MachineIdentifier == "" {
			return fmt.Errorf("%w: no machineIdentifier", errShape)
		}
		id = Identity{MachineIdentifier: string(m.MachineIdentifier), Version: c.shown(string(m.Version))}
		c.contact.identified(id, time.Since(began))
		return nil
	})
	return id, err
}

// Sections lists all libraries.
func (c *Client) Sections(ctx context.Context) ([]Section, error) {
	return c.sections(ctx, false)
}

func (c *Client) sections(ctx context.Context, probe bool) ([]Section, error) {
	var sections []Section
	r := request{op: "list the libraries", method: http.MethodGet, path: "/library/sections", probe: probe}
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		var m struct {
			Directory json.RawMessage `json:"Directory"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		sections, err = readSections(value(m.Directory))
		return err
	})
	return sections, err
}

// readSections reads the libraries of an answer. It returns an error if it can read none of them.
func readSections(v value) ([]Section, error) {
	var sections []Section
	readable := false
	if len(v) == 0 {
		return nil, nil
	}
	err := v.elements(func(v value) error {
		if s := readSection(v); s.Unreadable != "" || ValidKey(s.ID) {
			sections = append(sections, s)
			readable = readable || s.Unreadable == ""
		}
		return nil
	})
	if len(sections) > 0 && !readable {
		return nil, fmt.Errorf("%w: no library can be read: %s", errShape, sections[0].Unreadable)
	}
	return sections, err
}

// readSection reads a library. A value of an unexpected kind counts as absent if the library can be used without it.
func readSection(v value) Section {
	var s Section
	needed := func(name []byte, err error) {
		if err != nil && s.Unreadable == "" {
			s.Unreadable = "its " + string(name) + " has an unexpected form"
		}
	}
	mark := func(v value, to *int64) {
		var n flexInt
		if n.UnmarshalJSON(v) != nil {
			s.OddMarks += " " + string(v)
		}
		*to = int64(n)
	}
	if v.fields(func(name []byte, v value) error {
		switch string(name) {
		case "key":
			needed(name, v.string(&s.ID))
		case "type":
			needed(name, v.string(&s.Type))
		case "title":
			needed(name, v.string(&s.Title))
		case "uuid":
			v.string(&s.UUID) // not needed
		case "agent":
			v.string(&s.Agent) // not needed
		case "refreshing":
			s.Refreshing = v.bool()
		case "updatedAt":
			mark(v, &s.UpdatedAt)
		case "scannedAt":
			mark(v, &s.ScannedAt)
		case "contentChangedAt":
			mark(v, &s.ContentChangedAt)
		case "Location":
			s.Locations = readLocations(v)
		}
		return nil
	}) != nil {
		s.Unreadable = "it has an unexpected form"
	}
	return s
}

// readLocations reads the folders of a library. It ignores what is no folder: then Plex is not asked to scan there.
func readLocations(v value) []string {
	var list []string
	v.elements(func(v value) error { // it never fails
		v.fields(func(name []byte, v value) error { // what is no object has no path
			var path string
			if string(name) == "path" && v.string(&path) == nil {
				list = append(list, path)
			}
			return nil
		})
		return nil
	})
	return list
}

// Probe checks whether the server is usable: it reads the identity, and then the libraries with the token. An answer
// that does not come from Plex, or a timeout, has class Down.
func (c *Client) Probe(ctx context.Context) (Identity, []Section, error) {
	id, err := c.identity(ctx, true)
	if err != nil {
		return id, nil, err
	}
	sections, err := c.sections(ctx, true)
	return id, sections, err
}

// Scan asks Plex to scan a folder of a section, given in the server's path form. Plex accepts the request even if the
// folder is not in the section. Scan requires a folder, because without one Plex scans the complete section.
func (c *Client) Scan(ctx context.Context, sectionID, folder string) error {
	r := request{op: "ask for a scan in library " + sectionID, method: http.MethodGet, path: "/library/sections/" + sectionID + "/refresh"}
	if !ValidKey(sectionID) || folder == "" {
		return &Error{Class: Rejected, Op: r.op, Err: errors.New("a scan needs a section and a folder")}
	}
	r.query = encode(url.Values{"path": {folder}})
	err := c.do(ctx, r, discard)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status != http.StatusNotFound && e.Status != http.StatusMethodNotAllowed {
		return err
	}
	r.method = http.MethodPost // the documented method; it is unknown which versions require it
	return c.do(ctx, r, discard)
}

// ValidKey reports whether a rating key, section id or part id is valid in requests: 1–19 digits.
func ValidKey(key string) bool {
	if len(key) == 0 || len(key) > 19 {
		return false
	}
	for _, r := range key {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
