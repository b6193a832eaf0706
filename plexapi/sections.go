package plexapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
		id = Identity{MachineIdentifier: string(m.MachineIdentifier), Version: string(m.Version)}
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
	err := c.do(ctx, r, func(body io.Reader) error {
		var m struct {
			Directory list[struct {
				Key              flexString `json:"key"`
				UUID             flexString `json:"uuid"`
				Type             flexString `json:"type"`
				Title            flexString `json:"title"`
				Refreshing       flexBool   `json:"refreshing"`
				UpdatedAt        flexInt    `json:"updatedAt"`
				ScannedAt        flexInt    `json:"scannedAt"`
				ContentChangedAt flexInt    `json:"contentChangedAt"`
				Location         list[struct {
					Path flexString `json:"path"`
				}] `json:"Location"`
			}] `json:"Directory"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		sections = nil
		for _, d := range m.Directory {
			if !ValidKey(string(d.Key)) {
				continue
			}
			s := Section{
				ID: string(d.Key), UUID: string(d.UUID), Type: string(d.Type), Title: string(d.Title), Refreshing: bool(d.Refreshing),
				UpdatedAt: int64(d.UpdatedAt), ScannedAt: int64(d.ScannedAt), ContentChangedAt: int64(d.ContentChangedAt),
			}
			for _, l := range d.Location {
				s.Locations = append(s.Locations, string(l.Path))
			}
			sections = append(sections, s)
		}
		return nil
	})
	return sections, err
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
