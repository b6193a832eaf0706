package plexapi

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// errProxy means that the proxy in the environment is invalid or refuses to connect.
var errProxy = errors.New("HTTPS_PROXY is not a valid address")

// throughProxy makes a transport use the proxy that the environment names. Stash puts its own proxy there.
func throughProxy(t *http.Transport) {
	t.Proxy = func(r *http.Request) (*url.URL, error) { return proxyOf(r, http.ProxyFromEnvironment) }
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
		if res.StatusCode == http.StatusOK {
			return nil
		}
		return &proxyError{"the proxy in HTTPS_PROXY answered " + statusText(res.StatusCode) + " instead of connecting to Plex"}
	}
}

// proxyError is an errProxy with another text.
type proxyError struct{ text string }

func (e *proxyError) Error() string { return e.text }
func (e *proxyError) Unwrap() error { return errProxy }

// proxyOf returns the proxy that the environment names for a request; nil if the host is in the local network. It hides
// the error, which contains the password of the proxy.
func proxyOf(r *http.Request, environment func(*http.Request) (*url.URL, error)) (*url.URL, error) {
	if isLocal(r.URL.Hostname()) {
		return nil, nil
	}
	u, err := environment(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

// isLocal reports whether a host is in the local network, where a proxy does not reach it: a private or link-local
// address, a name of plex.direct with such an address in it, or a name that only local networks know.
func isLocal(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return isLocalAddress(ip)
	}
	if name, ok := strings.CutSuffix(host, ".plex.direct"); ok {
		first, _, _ := strings.Cut(name, ".") // 10-0-0-5 or fd00--5
		for _, separator := range []string{".", ":"} {
			if ip, err := netip.ParseAddr(strings.ReplaceAll(first, "-", separator)); err == nil {
				return isLocalAddress(ip)
			}
		}
		return false
	}
	return !strings.Contains(host, ".") ||
		slices.ContainsFunc([]string{".local", ".lan", ".home.arpa"}, func(end string) bool { return strings.HasSuffix(host, end) })
}

func isLocalAddress(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLoopback()
}
