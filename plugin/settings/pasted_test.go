package settings

import (
	"errors"
	"strings"
	"testing"
)

func TestTokenIsFoundInPastedText(t *testing.T) {
	const token = "Ab_9-secretToken-xyz"
	for _, pasted := range []string{
		token, " " + token + "\n", `"` + token + `"`, "'" + token + "'", "“" + token + "”", `" ` + token + ` "`,
		"X-Plex-Token=" + token, "?X-Plex-Token=" + token, "&x-plex-token=" + token + "&a=b", "X-Plex-Token: " + token,
		"https://10-0-0-1.abc.plex.direct:32400/library/metadata/7?checkFiles=1&X-Plex-Token=" + token,
		"https://plex/?X-Plex-Token=" + token + "#x", `PlexOnlineToken="` + token + `"`, `"X-Plex-Token=` + token + `"`,
	} {
		s, err := Parse(required(map[string]any{"plexToken": pasted}))
		if err != nil || s.PlexToken != token {
			t.Errorf("%q is read as %q, %v", pasted, s.PlexToken, err)
		}
		_, err = Parse(required(map[string]any{"plexToken": pasted, "maxRetries": token}))
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q: the token as another setting: %v", pasted, err)
		}
	}
}

func TestPastedTextWithoutATokenIsExplained(t *testing.T) {
	for pasted, remedy := range map[string]string{
		"claim-Ab_9secretToken":                "it is a claim",
		"Claim-Ab_9secretToken":                "it is a claim",
		"X-Plex-Token=claim-Ab_9secretToken":   "it is a claim",
		"http://plex:32400/web/index.html#!/x": "it is an address",
		"https://plex/?X-Plex-Token=":          "it is not set",
		`""`:                                   "it is not set",
		`"secretToken`:                         "it contains more than the token",
		"token=secretToken":                    "it contains more than the token",
		"plex:secretToken":                     "it contains more than the token",
	} {
		s, err := Parse(required(map[string]any{"plexToken": pasted}))
		e, ok := errors.AsType[*Error](err)
		if !ok || len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Remedy, remedy) || strings.Contains(err.Error(), "secretToken") || s.PlexToken != "" {
			t.Errorf("%q: %v, want one problem with %q", pasted, err, remedy)
		}
	}
}

func TestPastedAddressIsCutOrExplained(t *testing.T) {
	for pasted, want := range map[string]string{ // an address, or words of the remedy
		"http://10.0.0.160:32400/library/sections":              "http://10.0.0.160:32400",
		"http://10.0.0.160:32400/library/sections/1/all?a=b":    "http://10.0.0.160:32400",
		"http://10.0.0.160:32400/library/metadata/7":            "http://10.0.0.160:32400",
		"http://10.0.0.160:32400/identity/":                     "http://10.0.0.160:32400",
		"http://10.0.0.160:32400/web/index.html":                "http://10.0.0.160:32400",
		"http://10.0.0.160:32400/index.html":                    "http://10.0.0.160:32400",
		"https://nas/base/library/sections/":                    "https://nas/base",
		"https://nas/plex/web/web":                              "https://nas/plex",
		"https://nas/my/library/books":                          "https://nas/my/library/books",
		"http://10.0.0.160":                                     "http://10.0.0.160",                             // a proxy may listen there
		"http://fd00::12:32400/web":                             "needs brackets: enter http://[fd00::12]:32400", // source: jellyfin/jellyfin-kodi#79
		"https://fd00::12":                                      "needs brackets: enter https://[fd00::12]:32400",
		"fe80::12%eth0":                                         "needs brackets: enter http://[fe80::12%25eth0]:32400",
		"http://10.0.0.160/:32400":                              "before the slash: enter http://10.0.0.160:32400",
		"http://10.0.0.160/:32400/web":                          "before the slash: enter http://10.0.0.160:32400",
		"http://10.0.0.160:/:32400":                             "before the slash: enter http://10.0.0.160:32400",
		"https://10.0.0.160:":                                   "the port after the colon is missing; Plex's default is 32400: enter https://10.0.0.160:32400",
		"http//10.0.0.160:32400":                                "enter http://10.0.0.160:32400",
		"https//10.0.0.160:32400/web":                           "enter https://10.0.0.160:32400",
		"HTTP;//10.0.0.160:32400":                               "enter http://10.0.0.160:32400",
		"http//me:hunter2@10.0.0.160:32400":                     "such as http://192.168.1.5:32400",
		"10.0.0.160/:32400":                                     "before the slash: enter http://10.0.0.160:32400",
		"http://10.0.0.160:32400/identity?X-Plex-Token=hunter2": "plexToken",
	} {
		s, err := Parse(required(map[string]any{"plexUrl": pasted}))
		switch {
		case err == nil && s.PlexURL != want:
			t.Errorf("%q is read as %q, want %q", pasted, s.PlexURL, want)
		case err != nil && (!strings.Contains(err.Error(), want) || strings.HasPrefix(want, "http") || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%q: %v, want %q", pasted, err, want)
		case err != nil && strings.Contains(err.Error(), "http://http"):
			t.Errorf("%q: %v", pasted, err)
		}
	}
}
