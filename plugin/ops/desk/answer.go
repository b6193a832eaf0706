package desk

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
)

// InspectLimit is how long the answers of Plex about one scene may take.
const InspectLimit = 10 * time.Second

// Explanation says why a scene is, or is not, in Plex, as the operation explain does.
type Explanation struct {
	State      string `json:"state"`
	Text       string `json:"text"`
	Job        any    `json:"job"`
	DeadLetter any    `json:"dead_letter"`
}

// Answer says whether a server answered, and if not, why.
type Answer struct {
	Reachable bool    `json:"reachable"`
	Why       string  `json:"why"`
	Reason    *Reason `json:"reason"` // of Why; null if the server answered
}

// Failed returns the Answer of a server that failed.
func Failed(err error) Answer {
	because := retry.ReasonOf(err)
	if invalid, ok := errors.AsType[*settings.Error](err); ok {
		because = reason.SettingInvalid(strings.Join(invalid.Names(), ", "))
	}
	why := strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(), "no answer in time")
	return Answer{Why: why, Reason: ReasonOf("", because.JSON(), why)}
}
