package reason

// Cancelled says that the run was stopped.
func Cancelled() Reason { return Reason{Code: "cancelled"} }

// OtherJobs says that the run ended to make room for other jobs of Stash.
func OtherJobs() Reason { return Reason{Code: "other_jobs"} }

// PushingPaused says that a person has paused all pushing.
func PushingPaused() Reason { return Reason{Code: "pushing_paused"} }

// RunAtWork says that another run is at work.
func RunAtWork() Reason { return Reason{Code: "run_at_work"} }

// SettingInvalid says that settings are not set or invalid.
func SettingInvalid(names string) Reason {
	return Reason{"setting_invalid", params{"setting": line(names)}}
}

// UnknownTags says that the setting excludeTags names tags that Stash does not have.
func UnknownTags(names string) Reason {
	return Reason{"unknown_tags", params{"tags": line(names), "setting": "excludeTags"}}
}

// NoLibrary says that Plex has none of the chosen libraries, or none that can be used.
func NoLibrary() Reason { return Reason{"no_library", params{"setting": "plexLibraries"}} }

// ServerChanged says that another Plex server answers at the address, by their machine identifiers.
func ServerChanged(server, former string) Reason {
	return Reason{"server_changed", params{"machine": line(server), "former": line(former)}}
}

// IndexReset says that the index of Plex's files was damaged, so the next run rebuilds it.
func IndexReset() Reason { return Reason{Code: "index_reset"} }

// OwnFiles says that our own files cannot be read or written.
func OwnFiles() Reason { return Reason{Code: "own_files"} }
