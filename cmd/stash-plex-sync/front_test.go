package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// forms are the ways in which a secret may be written down.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret) // of a text it cannot fail
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		strings.Trim(string(quoted), `"`), strings.Trim(strconv.Quote(secret), `"`),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

// front stands before a stand-in. It notes the address of every request and the secrets that come with it,
// and answers instead, if it is told to, with a text that repeats them.
type front struct {
	next http.Handler
	url  string

	mu      sync.Mutex
	answer  string // with %s for what is repeated; "": none
	to      string // only requests with this in their address or body
	left    int
	also    string // a secret that it knows in any case
	seen    []string
	secrets map[string]bool
}

// stand puts a front before a stand-in: at an address, or anywhere if there is none, with https or without.
func stand(t *testing.T, next http.Handler, address string, secure bool) *front {
	t.Helper()
	f := &front{next: next, secrets: make(map[string]bool)}
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: f}}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.CloseClientConnections)
	f.url = s.URL
	return f
}

// say makes the front answer so many requests itself.
func (f *front) say(answer, to string, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer, f.to, f.left = answer, to, times
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if answer := f.note(r, string(body)); answer != "" {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			io.WriteString(c, answer) // the client may be gone
			c.Close()
		}
		return
	}
	f.next.ServeHTTP(w, r)
}

// note remembers the request, and returns what is answered to it; "" if the stand-in is to answer.
func (f *front) note(r *http.Request, body string) (answer string) {
	var brought []string
	for _, name := range []string{"X-Plex-Token", "ApiKey"} {
		if v := r.Header.Get(name); v != "" {
			brought = append(brought, v)
		}
	}
	for _, c := range r.Cookies() {
		brought = append(brought, c.Value)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.URL.RequestURI())
	for _, v := range brought {
		f.secrets[v] = true
	}
	if f.left == 0 || !strings.Contains(r.URL.Path+body, f.to) {
		return ""
	}
	f.left--
	var all []string
	if f.also != "" {
		brought = append(brought, f.also)
	}
	for _, v := range brought {
		all = append(all, forms(v)...)
	}
	return strings.ReplaceAll(f.answer, "%s", strings.Join(all, " "))
}

// known is what has been seen: addresses and secrets.
func (f *front) known() (addresses, secrets []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen), slices.Collect(maps.Keys(f.secrets))
}

// answers are what a server may make of a request to tell whoever reads of it: HTTP that is none, and JSON that
// is not expected.
func answers() []string {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	list := []string{
		"%s\r\n\r\n",
		"HTTP/1.1 %s\r\n\r\n",
		"HTTP/%s 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-Echo %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\n%s: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n%s",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/?X-Plex-Token=%s\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\nServer: %s\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 429 %s\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
	}
	for _, body := range []string{
		`{"MediaContainer":{"size":"%s","Metadata":"%s","Directory":"%s","machineIdentifier":["%s"]}}`,
		`{"errors":[{"message":"not for %s","path":["%s"]}],"data":null}`,
		`{"data":{"%s":"%s","findScenes":"%s","configuration":"%s"}}`,
		`%s`,
	} {
		list = append(list, ok+"\r\n"+body)
	}
	return list
}

// name tells an answer from the others.
func name(answer string) string { return fmt.Sprintf("%.60q", answer) }
