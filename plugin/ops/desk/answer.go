package desk

import (
	"context"
	"strings"
	"time"
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
	Reachable bool   `json:"reachable"`
	Why       string `json:"why"`
}

// Failed returns the Answer of a server that failed.
func Failed(err error) Answer {
	return Answer{Why: strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(), "no answer in time")}
}
