// Package reason holds codes for programs: they say why a scene is not in Plex, why a run stopped and what is wrong with
// Plex, as a sentence beside each of them says it to people. A function for each code makes its Reason, so that its
// parameters are always complete.
package reason

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// A Reason is a code with its parameters. Codes and the names of parameters are stable. Values are on one line of limited
// length, and may be empty; paths are marked as private. The zero Reason means that none is known.
type Reason struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params,omitempty"`
}

// JSON returns the form in which a reason is stored; "" for the zero Reason.
func (r Reason) JSON() string {
	if r.Code == "" {
		return ""
	}
	encoded, _ := json.Marshal(r) // texts can always be encoded
	return string(encoded)
}

// Parse reads a stored reason. It returns the zero Reason if there is none, or if it is damaged.
func Parse(stored string) Reason {
	var r Reason
	if json.Unmarshal([]byte(stored), &r) != nil || r.Code == "" {
		return Reason{}
	}
	return r
}

// All returns a reason of each code, with empty parameters.
func All() []Reason {
	return []Reason{
		NotInPlex(""), MissingSkipped(""), LibraryNotRead(""), Ambiguous("", 0), NotOrganized(), ExcludedTag("", ""), NoData(), NoFile(),
		GoneFromStash(), OtherScene(0, ""), ChosenGone(""), ChosenElsewhere(0, ""), ItemChanged(""), ItemUnreadable("", ""), ValueRefused(""), PictureRefused(""), NotChanged(""),
		SceneUnreadable(), ItemForbidden(0), Panic(), Crashed(),
		PlayKnown(), PlayItemGone(), PlayNoScene(), PlayEarlier(), PlayOfOther(""),

		PlexUnreachable(), PlexTimeout(), PlexCutOff(), PlexStarting(0), PlexBusy(0), PlexError(0), PlexPaused(0, time.Time{}), BadAnswer(0),
		NotPlex(0, ""), WebPageInstead(""), ProxyWithoutPlex(0, ""), ProxyGaveUp(0, ""), RefusedInFront(0, ""), Redirected(0, ""),
		RequestRefused(0, ""), TokenRefused(0), PathsHidden(),

		StashUnavailable(0), StashSessionEnded(), StashRefuses(),

		Cancelled(), OtherJobs(), PushingPaused(), RunAtWork(), SettingInvalid(""), UnknownTags(""), NoLibrary(), ServerChanged("", ""), IndexReset(), OwnFiles(),
	}
}

type params = map[string]string

// line returns a value of the kind that messages quote.
func line(s string) string { return text.OneLine(s, text.ValueLimit) }

func private(path string) string { return text.Private(text.OneLine(path, text.Limit)) }

// status returns the status of an answer; "" for 0, which means that there was none.
func status(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
