package setup

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

func TestRedactorKeepsOurWordsAndNothingOfTheUser(t *testing.T) {
	r := newRedactor([]string{"Secret films", "secret", "http://nas.example.org:32400/base", "nas.example.org", `"Very, private"`, "ab", ""})
	token := text.Redact(text.Private("x"))
	for in, want := range map[string]string{
		"": "",
		"no item for " + text.Private("x") + " yet":                              "no item for " + token + " yet",
		"no item for " + text.Private("x y")[:5]:                                 "no item for " + text.Redact(text.Private("x y")[:5]),
		`its tag "Mine" is excluded by "Exclude tags" (excludeTags)`:             `its tag "[…]" is excluded by "Exclude tags" (excludeTags)`,
		`it is pushed by "Sync all scenes"; see "Queue status"`:                  `it is pushed by "Sync all scenes"; see "Queue status"`,
		`it is "a \"name\" of mine" or so`:                                       `it is "[…]" or so`,
		`12" vinyl "Mine" and more`:                                              `12"[…]"`,
		`cut "in the mid`:                                                        `cut "[…]"`,
		"Secret films, and SECRET too":                                           "[…], and […] too",
		"a tag Very, private here":                                               "a tag […] here",
		"dial tcp 192.168.1.5:32400: connect: connection refused":                "dial tcp [address]: connect: connection refused",
		"dial tcp [fd00::12]:32400: refused":                                     "dial tcp [address]: refused",
		"dial tcp: lookup plex on 127.0.0.53:53: no such host":                   "dial tcp: lookup [address]: no such host",
		"lookup plex: no such host":                                              "lookup [address]: no such host",
		"x509: certificate is valid for *.a.plex.direct, nas, not mynas":         "x509: certificate is valid for [address], not [address]",
		"at https://me.example.org/x?y=z then":                                   "at [address] then",
		"port myhost:8080 is off":                                                "port [address] is off",
		"Plex has clip.mp4 at /mnt/my videos/clip.mp4; more":                     "Plex has [name] at [path]; more",
		`at C:\My videos\x.mkv`:                                                  "at [path]",
		`at \\server\share\x`:                                                    "at [path]",
		"Plex answered 404 Not Found to GET /library/metadata/12,…":              "Plex answered 404 Not Found to GET /library/metadata/12,…",
		"PUT /library/sections/1/all: 500":                                       "PUT /library/sections/1/all: 500",
		"server 0123456789abcdef0123456789abcdef01234567 has changed":            "server [id] has changed",
		"edits retry it after 08:17:29: soon; version 1.43.2.10000-abc, v0.30.1": "edits retry it after 08:17:29: soon; version 1.43.2.10000-abc, v0.30.1",
		"two\nlines\x00":                                                         "two lines",
	} {
		if got := r.redact(in); got != want {
			t.Errorf("%q\nis    %q\nwant  %q", in, got, want)
		}
	}
	if got := r.redact(strings.Repeat("é ", 1000)); len(got) > lineBytes {
		t.Errorf("a line of %d bytes", len(got))
	}
}
