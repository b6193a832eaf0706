package queue

import "time"

// SetReadLimit sets how long reading a page may take, and returns the limit before.
func SetReadLimit(d time.Duration) time.Duration {
	before := readLimit
	readLimit = d
	return before
}
