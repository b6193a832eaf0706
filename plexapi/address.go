package plexapi

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// addressHint returns what may be wrong with an address to which no connection could be made, or "".
func addressHint(base *url.URL, err error) string {
	dial, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok || dial.Op != "dial":
		return ""
	case strings.HasSuffix(strings.ToLower(strings.TrimSuffix(base.Hostname(), ".")), ".local"):
		return "names that end in .local often do not resolve, especially in containers: use the IP address of Plex"
	case base.Port() == "":
		return "\"Plex address\" (plexUrl) has no port, and Plex's default is 32400: try " + base.Scheme + "://" + base.Host + ":32400"
	}
	return ""
}
