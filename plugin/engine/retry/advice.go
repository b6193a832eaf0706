package retry

import "strings"

const retryDead = `"Retry dead letters"`

// DeadLetter returns the message about a dead letter: its reason, and what brings it back.
func DeadLetter(c Class, reason string) string {
	message := "dead letter: " + reason
	switch {
	case strings.Contains(reason, retryDead):
		return message
	case c.AwaitsFile():
		return message + "; it is pushed when Plex has found its file, when you edit it, or by " + retryDead
	}
	return message + "; when the cause is gone, edit it or run " + retryDead
}

// Waiting returns the message about a scene that is tried again: its reason, and what the user can do.
func Waiting(c Class, reason string) string {
	if c.AwaitsFile() || c == ClassUnready { // the reason says it
		return reason
	}
	return reason + "; the next runs try again"
}
