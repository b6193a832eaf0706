package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// wantUncharged checks that a run pushed nothing, charged no job, and said why.
func (w *world) wantUncharged(out map[string]any, why ...string) {
	w.Helper()
	w.wantOut(out, "synced", 0)
	if n := w.count("job WHERE attempts + misses + unfinished = 0"); n != w.count("job") || n == 0 {
		w.Errorf("%d of %d jobs are as they were", n, w.count("job"))
	}
	stopped, _ := out["stopped"].(string)
	for _, text := range why {
		if !strings.Contains(stopped, text) {
			w.Errorf("stopped: %q, want %q in it", stopped, text)
		}
	}
}

// certified returns a certificate for this machine that is valid from one time to the other.
func certified(t testing.TB, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestReportsAboutTheWayToPlex(t *testing.T) {
	tryReports(t, []report{
		// Source: seerr-team/seerr#1747
		{"an address of IPv6 works", 1, func(w *world) {
			if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
				w.Skip(err)
			} else {
				l.Close()
			}
			w.settings(map[string]any{"plexUrl": stand(w.TB.(*testing.T), w.plex, "[::1]:0", false).url})
			w.wantOut(w.push("New", 1), "synced", 1)
			w.wantTitle(1, "New")
		}},
		// Source: nami-media/upptime#6 (521), passim
		{"a tunnel or cache in front of a Plex that is off charges no job", 2, func(w *world) {
			for _, status := range []int{520, 521, 522, 523, 524, 530} {
				w.plex.Inject(plextest.Fault{Status: status, Front: true})
				w.wantUncharged(w.push("New", 1, 2), "a proxy answers, but Plex behind it does not")
				w.pass(time.Hour)
				w.plex.Heal()
				ended := false // by the first edit of the run
				w.plex.Inject(plextest.Fault{Status: status, Front: true, Match: func(r plextest.Request) bool {
					ended = ended || r.Method == "PUT"
					return ended
				}})
				w.wantUncharged(w.push("New", 1, 2))
				w.plex.Heal()
				w.pass(time.Hour)
			}
			w.wantOut(w.process(), "synced", 2)
			w.wantTitle(2, "New")
		}},
		// Source: causefx/Organizr#1542
		{"a web server that does not let edits through charges no job", 8, func(w *world) {
			for _, status := range []int{405, 501} {
				w.plex.Inject(plextest.Fault{Method: "PUT", Status: status, Front: true})
				w.push("New", 1, 2, 3, 4, 5, 6, 7, 8)
				w.wantUncharged(w.process(), "does not let PUT requests through")
				w.plex.Heal()
				w.pass(time.Hour)
			}
			w.wantOut(w.process(), "synced", 8)
		}},
		// Source: DNSCrypt/dnscrypt-proxy#324
		{"a certificate that is out of date leads to the clock and not to less safety", 1, func(w *world) {
			for _, days := range []int{-10, 10} {
				day := time.Now().AddDate(0, 0, days)
				front := httptest.NewUnstartedServer(w.plex)
				front.Config.ErrorLog = log.New(io.Discard, "", 0)
				front.TLS = &tls.Config{Certificates: []tls.Certificate{certified(w, day.Add(-time.Hour), day.Add(time.Hour))}}
				front.StartTLS()
				w.Cleanup(front.Close)
				w.settings(map[string]any{"plexUrl": front.URL})
				out := w.push("New", 1)
				w.wantUncharged(out, "clock")
				if strings.Contains(out["stopped"].(string), "insecureTLS") {
					w.Errorf("stopped: %v", out["stopped"])
				}
				w.pass(time.Hour)
			}
		}},
		// Source: openai/codex#37228
		{"an answer in a compression that nobody asked for is named", 1, func(w *world) {
			front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Encoding", "br")
				rw.Write([]byte("\x5b\x19\x1e\xc1\x8c\xd4")) // the client may be gone
			}))
			w.Cleanup(front.Close)
			w.settings(map[string]any{"plexUrl": front.URL})
			w.wantUncharged(w.push("New", 1), "compressed as br", "without being asked")
			w.settings(nil)
			w.wantOut(w.process(), "synced", 1)
		}},
	})
}
