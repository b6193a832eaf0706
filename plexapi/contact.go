package plexapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Contact is what a client has seen of its server.
type Contact struct {
	Identity               // of the last answer to Identity or Probe; zero if there was none
	Latency  time.Duration // of that answer
	Name     string        // that the owner has given to the server; "" if Name has not read it

	SuccessAt time.Time // when Plex last answered; zero: it has not
	FailureAt time.Time // when a request last got no answer of Plex, or one that refuses the token; zero: none did
	Failure   error     // of that request
}

// contact is a Contact that several goroutines may use.
type contact struct {
	mu   sync.Mutex
	seen Contact
}

// Contact returns what the client has seen of its server so far.
func (c *Client) Contact() Contact {
	c.contact.mu.Lock()
	defer c.contact.mu.Unlock()
	return c.contact.seen
}

// note notes the result of a request. An answer of Plex that refuses only what was asked is an answer, too.
func (c *contact) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, failed := errors.AsType[*Error](err)
	if failed && (e.Status == 0 || e.Foreign || e.Class == Down || e.Class == Unauthorized) {
		c.seen.FailureAt, c.seen.Failure = time.Now(), err
		return
	}
	c.seen.SuccessAt = time.Now()
}

// identified notes the identity of the server, which it returned after some time.
func (c *contact) identified(id Identity, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Identity, c.seen.Latency = id, took
}

// Name reads the name that the owner has given to the server.
func (c *Client) Name(ctx context.Context) (string, error) {
	var m struct {
		FriendlyName flexString `json:"friendlyName"`
	}
	r := request{op: "read the server's name", method: http.MethodGet, path: "/", timeout: probeTimeout}
	err := c.do(ctx, r, func(body io.Reader) error { return container(body, &m) })
	name := c.shown(string(m.FriendlyName))
	if err == nil {
		c.contact.named(name)
	}
	return name, err
}

// named notes the name of the server.
func (c *contact) named(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Name = name
}

// shown returns a text of the server on one line of limited length, without the token.
func (c *Client) shown(text string) string {
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, "…")
	}
	return oneLine(text)
}
