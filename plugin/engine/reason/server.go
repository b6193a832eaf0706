package reason

import (
	"strconv"
	"time"
)

// Plex, and what is in front of it. n is the status of the answer, 0 if there was none. server is the product that an
// answer names which did not come from Plex, such as nginx/1.25.3; "" if it names none.

// PlexUnreachable says that no connection to Plex is possible.
func PlexUnreachable() Reason { return Reason{Code: "plex_unreachable"} }

// PlexTimeout says that Plex did not answer in time.
func PlexTimeout() Reason { return Reason{Code: "plex_timeout"} }

// PlexCutOff says that the connection ended before the answer.
func PlexCutOff() Reason { return Reason{Code: "plex_cut_off"} }

// PlexStarting says that Plex is starting or in maintenance.
func PlexStarting(n int) Reason { return Reason{"plex_starting", params{"status": status(n)}} }

// PlexBusy says that Plex, or something in front of it, gets too many requests.
func PlexBusy(n int) Reason { return Reason{"plex_busy", params{"status": status(n)}} }

// PlexError says that Plex failed.
func PlexError(n int) Reason { return Reason{"plex_error", params{"status": status(n)}} }

// PlexPaused says that no request is sent to Plex before a time, after several failures in a row.
func PlexPaused(failures int, until time.Time) Reason {
	return Reason{"plex_paused", params{"failures": strconv.Itoa(failures), "until": until.UTC().Format(time.RFC3339)}}
}

// BadAnswer says that an answer is incomplete, too large or not in Plex's format.
func BadAnswer(n int) Reason { return Reason{"bad_answer", params{"status": status(n)}} }

// NotPlex says that what answers at the address is not Plex, or that its answers are changed on their way.
func NotPlex(n int, server string) Reason { return inFront("not_plex", n, server) }

// WebPageInstead says that a web page answered instead of Plex, such as a login page.
func WebPageInstead(server string) Reason {
	return Reason{"web_page_instead", params{"server": line(server)}}
}

// ProxyWithoutPlex says that a proxy answers, but Plex behind it does not.
func ProxyWithoutPlex(n int, server string) Reason { return inFront("proxy_without_plex", n, server) }

// ProxyGaveUp says that a proxy gave up one request while Plex answers others.
func ProxyGaveUp(n int, server string) Reason { return inFront("proxy_gave_up", n, server) }

// RefusedInFront says that something in front of Plex refuses a request.
func RefusedInFront(n int, server string) Reason { return inFront("refused_in_front", n, server) }

// Redirected says that the server, or something in front of it, redirects a request.
func Redirected(n int, server string) Reason { return inFront("redirected", n, server) }

// RequestRefused says that Plex, or something in front of it, refuses the content of a request.
func RequestRefused(n int, server string) Reason { return inFront("request_refused", n, server) }

func inFront(code string, n int, server string) Reason {
	return Reason{code, params{"status": status(n), "server": line(server)}}
}

// TokenRefused says that Plex does not accept the token, or does not permit what it is used for.
func TokenRefused(n int) Reason {
	return Reason{"token_refused", params{"status": status(n), "setting": "plexToken"}}
}

// PathsHidden says that the token gives no access to the paths of files.
func PathsHidden() Reason { return Reason{"paths_hidden", params{"setting": "plexToken"}} }

// StashUnavailable says that Stash does not answer, or answered with this status.
func StashUnavailable(n int) Reason { return Reason{"stash_unavailable", params{"status": status(n)}} }

// StashSessionEnded says that Stash does not accept the login of the run any more.
func StashSessionEnded() Reason { return Reason{Code: "stash_session_ended"} }

// StashRefuses says that Stash refuses a query.
func StashRefuses() Reason { return Reason{Code: "stash_refuses"} }
