package retry

import "time"

// A Policy says how long to wait after each failure and how many failures to retry.
type Policy struct {
	Base, Cap time.Duration
	Limit     int // failures beyond this many are not retried
}

// TemporaryPolicy is for temporary failures of Plex: few, short waits.
func TemporaryPolicy(maxRetries int) Policy {
	return Policy{Base: 5 * time.Second, Cap: 80 * time.Second, Limit: maxRetries}
}

// MissPolicy is for files that Plex does not have yet: scans take minutes to hours.
func MissPolicy() Policy {
	return Policy{Base: 30 * time.Second, Cap: 600 * time.Second, Limit: 12}
}

// Spent reports whether the nth failure exceeds the limit.
func (p Policy) Spent(n int) bool { return n > p.Limit }

// Backoff returns the wait after the nth failure in a row, n from 1, for a random r in [0, 1): equal
// jitter, uniform in [d/2, d] for d doubling from Base up to Cap. Below the cap no wait is shorter than an
// earlier one.
func (p Policy) Backoff(n int, r float64) time.Duration {
	d := p.Base
	for i := 1; i < n && d < p.Cap; i++ {
		d *= 2
	}
	d = min(d, p.Cap)
	return d/2 + time.Duration(r*float64(d/2))
}
