package reason

import "strconv"

// NotInPlex says that Plex has no item for a file yet.
func NotInPlex(path string) Reason { return Reason{"not_in_plex", params{"path": private(path)}} }

// MissingSkipped says that Plex has no item for a file, and that the settings do not let it wait for one.
func MissingSkipped(path string) Reason {
	return Reason{"missing_skipped", params{"path": private(path), "setting": "skipMissing"}}
}

// LibraryNotRead says that a library is missing or has not been read completely, so that a file may be in it.
func LibraryNotRead(path string) Reason {
	return Reason{"library_not_read", params{"path": private(path), "setting": "plexLibraries"}}
}

// Ambiguous says that several items fit a file equally well.
func Ambiguous(path string, candidates int) Reason {
	return Reason{"ambiguous", params{"path": private(path), "candidates": strconv.Itoa(candidates)}}
}

// NotOrganized says that only organised scenes are pushed, and this one is not.
func NotOrganized() Reason { return Reason{"not_organized", params{"setting": "onlyOrganized"}} }

// ExcludedTag says that a scene has an excluded tag. excluded is the name in the setting: that of the tag, of one above
// it, or a former one.
func ExcludedTag(tag, excluded string) Reason {
	return Reason{"excluded_tag", params{"tag": line(tag), "excluded": line(excluded), "setting": "excludeTags"}}
}

// NoData says that a scene has nothing that Plex could show.
func NoData() Reason { return Reason{Code: "no_data"} }

// NoFile says that a scene has no file in Stash.
func NoFile() Reason { return Reason{Code: "no_file"} }

// GoneFromStash says that Stash has the scene no longer.
func GoneFromStash() Reason { return Reason{Code: "gone_from_stash"} }

// OtherScene says that the scene's Plex item belongs to another scene.
func OtherScene(scene int, ratingKey string) Reason {
	return Reason{"other_scene", params{"other_scene": strconv.Itoa(scene), "rating_key": line(ratingKey)}}
}

// ChosenGone says that Plex no longer has the file that a person chose for the scene.
func ChosenGone(path string) Reason { return Reason{"chosen_gone", params{"path": private(path)}} }

// ChosenElsewhere says that a person chose the scene's Plex item for another scene.
func ChosenElsewhere(scene int, ratingKey string) Reason {
	return Reason{"chosen_elsewhere", params{"other_scene": strconv.Itoa(scene), "rating_key": line(ratingKey)}}
}

// ItemChanged says that an item of Plex disappeared, or got another file, during the work on it. ratingKey is "" if the
// failed request was not about one item.
func ItemChanged(ratingKey string) Reason {
	return Reason{"item_changed", params{"rating_key": line(ratingKey)}}
}

// ItemUnreadable says that a value in Plex has an unexpected form.
func ItemUnreadable(ratingKey, name string) Reason {
	return Reason{"item_unreadable", params{"rating_key": line(ratingKey), "field": line(name)}}
}

// ValueRefused says that Plex, or something in front of it, refuses the values of fields and accepted no other.
func ValueRefused(fields string) Reason {
	return Reason{"value_refused", params{"field": line(fields)}}
}

// PictureRefused says that Plex did not take a picture, which is sent once more.
func PictureRefused(field string) Reason {
	return Reason{"picture_refused", params{"field": line(field)}}
}

// NotChanged says that Plex accepted a write of fields but does not show it.
func NotChanged(fields string) Reason { return Reason{"not_changed", params{"field": line(fields)}} }

// SceneUnreadable says that Stash cannot read the scene, or one that may own its Plex item, while it answers otherwise.
func SceneUnreadable() Reason { return Reason{Code: "scene_unreadable"} }

// ItemForbidden says that Plex lets the token change other items, but not this one.
func ItemForbidden(n int) Reason { return Reason{"item_forbidden", params{"status": status(n)}} }

// Panic says that a bug ended the work on the scene.
func Panic() Reason { return Reason{Code: "panic"} }

// Crashed says that the process ended repeatedly while it worked on the scene. Its code is that of store.ClassCrashed.
func Crashed() Reason { return Reason{Code: "crashed"} }

// PlayKnown says that Stash has the play already, by another row of Plex's history or from elsewhere.
func PlayKnown() Reason { return Reason{Code: "play_known"} }

// PlayItemGone says that Plex no longer has the item that was played.
func PlayItemGone() Reason { return Reason{Code: "play_item_gone"} }

// PlayNoScene says that the item that was played is linked to no scene, or to several of which none owns it.
func PlayNoScene() Reason { return Reason{Code: "play_no_scene"} }

// PlayEarlier says that a play is older than the import of its account.
func PlayEarlier() Reason { return Reason{Code: "play_earlier"} }

// PlayOfOther says that the plays of an account are not imported.
func PlayOfOther(account string) Reason {
	return Reason{"play_of_other", params{"account": line(account), "setting": "plays"}}
}
