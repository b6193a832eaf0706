package desk

import (
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
)

// A Reason says why something is so: a code with its parameters for programs, and sentences for people.
type Reason struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params"`
	Text   string            `json:"text"`
	Remedy string            `json:"remedy"` // what to do next; "" if the code is unknown
}

// ReasonOf returns the reason of a stored failure; nil if there was none. stored is the JSON of its code and parameters;
// without it, as in a queue of an earlier version, the class is the code.
func ReasonOf(class, stored, sentence string) *Reason {
	known := reason.Parse(stored)
	if class == "" && sentence == "" && known.Code == "" {
		return nil
	}
	r := Reason{Code: known.Code, Params: known.Params, Text: sentence}
	if r.Code == "" {
		r.Code = class
	}
	if r.Params == nil {
		r.Params = map[string]string{}
	}
	r.Remedy = remedy(r.Code, r.Params)
	return &r
}

// Paused returns the reason why nothing is pushed at a time; nil if nobody has paused pushing.
func (d *Desk) Paused(now time.Time) *Reason {
	p := pause.Read(d.Store.Dir(), now)
	if p == nil {
		return nil
	}
	return ReasonOf("", reason.PushingPaused().JSON(), p.String())
}

// remedy returns what a person can do about a reason.
func remedy(code string, params map[string]string) string {
	pairs := make([]string, 0, 2*len(params))
	for name, value := range params {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(remedies[code])
}

// remedies are the messages of the codes: what to do next. {name} stands for a parameter.
var remedies = map[string]string{
	"not_in_plex":      `scan the folder of the file in Plex; if Plex shows the video already, check "Path map" (pathMap)`,
	"missing_skipped":  `when Plex has scanned the folder of the file, run "Sync all scenes", or turn off "Skip missing scenes" (skipMissing)`,
	"library_not_read": `check the names in "Plex libraries" (plexLibraries); the next runs read the rest of the libraries`,
	"ambiguous":        `choose one of the {candidates} items on the plugin's page; or delete the extra ones in Plex or set "Path map" (pathMap), then retry the scene`,
	"not_organized":    `mark the scene as organised in Stash, or turn off "Only organised scenes" (onlyOrganized) and run "Sync all scenes"`,
	"excluded_tag":     `remove the tag "{tag}" from the scene in Stash, or "{excluded}" from "Exclude tags" (excludeTags), and run "Sync all scenes"`,
	"no_data":          `give the scene a title or other data in Stash`,
	"no_file":          `nothing; it is pushed once it has a file in Stash`,
	"gone_from_stash":  `nothing; its Plex item stays unchanged`,
	"other_scene":      `give this scene a Plex item of its own: choose Split Apart at item {rating_key} in Plex, which shows scene {other_scene}`,
	"chosen_gone":      `choose another Plex item for this scene on the plugin's page, or forget the choice there`,
	"chosen_elsewhere": `choose another Plex item for this scene on the plugin's page, or forget the choice of scene {other_scene} there`,
	"item_changed":     `nothing; the next runs look for the item again, when Plex has finished scanning`,
	"item_unreadable":  `update Stash Plex Sync; a newer version may read "{field}" of item {rating_key}`,
	"value_refused":    `correct the value of {field} in Stash; that edit pushes the scene again`,
	"picture_refused":  `nothing; the picture is sent once more, and then left out until it changes in Stash`,
	"not_changed":      `nothing; Plex may be matching or scanning the item, and the next runs try again`,
	"scene_unreadable": `open the scene in Stash; if Stash shows an error, repair its database; the next runs try again`,
	"item_forbidden":   `sign in as the server's owner, or copy the owner's token into "Plex token" (plexToken)`,
	"panic":            `report this with the log at debug level`,
	"crashed":          `report this with the log, then retry the scene`,
	"play_known":       `nothing`,
	"play_item_gone":   `nothing; if you want to count it, add the play to the scene in Stash`,
	"play_no_scene":    `nothing if Stash does not have the video; otherwise push its scene, and the next run adds the play`,
	"play_earlier":     `run "Import plays" to add it`,
	"play_of_other":    `add the account {account} to "Import plays" (plays) to import its plays from then on`,

	"plex_unreachable":   `check that Plex is running and that "Plex address" (plexUrl) is right as seen from Stash, with its certificate if it begins with https`,
	"plex_timeout":       `check whether Plex is busy, for example with a scan; the next runs try again`,
	"plex_cut_off":       `check that Plex is running; if it requires secure connections, "Plex address" (plexUrl) must begin with https; the next runs try again`,
	"plex_starting":      `wait until Plex has started`,
	"plex_busy":          `nothing; the next runs try again when Plex is less busy`,
	"plex_error":         `if this stays, look into Plex's log for the answer {status}; the next runs try again`,
	"plex_paused":        `run "Process queue" to try Plex now; edits and scheduled runs try it after the pause`,
	"bad_answer":         `if this stays, check what is between Stash and Plex, such as a proxy; the next runs try again`,
	"not_plex":           `check "Plex address" (plexUrl): the answer does not come from Plex, or a proxy changes it`,
	"web_page_instead":   `set "Plex address" (plexUrl) to Plex itself, without a login page in front of it`,
	"proxy_without_plex": `check that Plex is running, and that the proxy in front of it reaches it`,
	"proxy_gave_up":      `give Plex more time in the proxy in front of it, or set "Plex address" (plexUrl) to Plex itself`,
	"refused_in_front":   `allow the request in the proxy or firewall in front of Plex, or set "Plex address" (plexUrl) to Plex itself`,
	"redirected":         `set "Plex address" (plexUrl) to the address of Plex itself, to which nothing redirects`,
	"request_refused":    `check what the proxy in front of Plex allows, if there is one; then retry the scene`,
	"token_refused":      `sign in again as the server's owner, or copy the owner's token into "Plex token" (plexToken)`,
	"paths_hidden":       `sign in as the server's owner, or copy the owner's token into "Plex token" (plexToken): only the owner sees the paths of files`,

	"stash_unavailable":   `check that Stash answers; the next run continues`,
	"stash_session_ended": `start the task again; set an API key in Stash, so that long runs keep their login`,
	"stash_refuses":       `look into Stash's log; the next runs try again`,

	"cancelled":       `start the task again to continue; nothing queued was lost`,
	"other_jobs":      `nothing; another run is queued behind the other jobs`,
	"pushing_paused":  `resume pushing on the plugin's page`,
	"run_at_work":     `wait until the other run has ended`,
	"setting_invalid": `correct {setting} in the settings of Stash Plex Sync`,
	"unknown_tags":    `correct {tags} in "Exclude tags" (excludeTags), or create the tags in Stash`,
	"no_library":      `correct "Plex libraries" (plexLibraries), or add a library of videos in Plex`,
	"server_changed":  `if you meant to change the server, accept it with "Check connection"; otherwise choose the former server again, or correct "Plex address" (plexUrl)`,
	"index_reset":     `nothing; the next run reads Plex's libraries again`,
	"own_files":       `check the free space and the permissions of the plugin's data folder; if this stays, report it with the log`,
}
