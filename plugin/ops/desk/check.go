package desk

import (
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// checkBytes is how much of a text of a check is kept: a library of any server may have any name.
const checkBytes = 4000

// Check is the result of one check of "Check connection".
type Check struct {
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Detail string  `json:"detail"`
	Hint   string  `json:"hint"`
	Code   string  `json:"code"`   // of what was checked: the name for programs
	Reason *Reason `json:"reason"` // why Plex or Stash failed; null if neither did
	Line   string  `json:"-"`      // the line in the log; "" for Name, Detail and Hint
}

// Sample is how one scene matches.
type Sample struct {
	SceneID   int    `json:"scene_id"`
	Path      string `json:"path"`
	Rule      string `json:"rule"` // "" if it does not match
	RatingKey string `json:"rating_key"`
	Unchecked bool   `json:"unchecked,omitempty"` // there was no time to match it
	Why       string `json:"why,omitempty"`       // why it does not match
}

// SettingCheck precedes the key in the name of a setting's check.
const SettingCheck = "Setting "

// Complete sets the code of a check, and cuts its texts to what an answer has room for.
func (c *Check) Complete() {
	key, of := strings.CutPrefix(c.Name, SettingCheck)
	if c.Code = strings.ReplaceAll(strings.ToLower(c.Name), " ", "-"); of {
		c.Code = "setting-" + key
	}
	c.Detail, c.Hint, c.Line = text.ClipBytes(c.Detail, checkBytes), text.ClipBytes(c.Hint, checkBytes), text.ClipBytes(c.Line, checkBytes)
}
