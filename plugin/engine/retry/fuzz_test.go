package retry

import (
	"math"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Whatever the clock says, a wait is positive and bounded, and it never shrinks before its cap.
func FuzzWaits(f *testing.F) {
	f.Add(1, 0.0)
	f.Add(-5, 0.5)
	f.Add(math.MaxInt, math.Nextafter(1, 0))
	f.Add(7, 0.99)
	f.Fuzz(checkWaits)
}

func checkWaits(t *testing.T, n int, r float64) {
	r = math.Abs(math.Mod(r, 1))
	if math.IsNaN(r) {
		r = 0
	}
	for _, p := range []Policy{TemporaryPolicy(5), MissPolicy()} {
		d := p.Backoff(n, r)
		if d < p.Base/2 || d > p.Cap || p.Cap > store.LongestWait || n < math.MaxInt && p.Backoff(n+1, 0) < p.Backoff(n, 0) {
			t.Errorf("%+v: the wait after failure %d is %v for %v", p, n, d, r)
		}
		if next := p.Backoff(n, r); n > 0 && n < 50 && p.Backoff(n+1, 0) < p.Cap/2 && p.Backoff(n+1, 0) < next {
			t.Errorf("%+v: the wait after failure %d may be %v, and after the next less", p, n, next)
		}
	}
	v := Verdict{Charge: store.Retry, RetryAfter: time.Duration(r * float64(plexapi.LongestRetryAfter))}
	e := Complete(store.Job{Attempts: n & 15}, v, errUnreached{}, 5, r)
	if e.Wait <= 0 || e.Wait > store.LongestWait || e.Wait < v.RetryAfter || (e.Outcome == store.ToDeadLetter) != (n&15 >= 5) {
		t.Errorf("after %d attempts: %+v", n&15, e)
	}
}

type errUnreached struct{}

func (errUnreached) Error() string { return "unreached" }
