package account

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// A PIN lasts 30 minutes at most, whatever plex.tv says, and its id stays here.
func TestPinOfAHostileSite(t *testing.T) {
	for _, expires := range []string{"1e300", "-5", "0", "86400"} {
		l := newLab(t)
		l.tv.Inject(plextest.TVFault{Status: 201, Times: 1, Body: `{"id":987654321012,"code":"abcd1234","expiresIn":` + expires + `}`})
		s, err := l.Start(t.Context(), true)
		if err != nil || s.Expires != pinLasts {
			t.Fatalf("%s: %+v, %v", expires, s, err)
		}
		l.tv.Inject(plextest.TVFault{Status: 500, Times: 1, Body: "987654321012"})
		st, err := l.Poll(t.Context(), s.Handle)
		text, wrong := json.Marshal([]any{s, st})
		if err != nil || wrong != nil || st.State != Odd || strings.Contains(string(text), "987654321012") {
			t.Errorf("%s, %v, %v", text, err, wrong)
		}
		l.late = 30 * time.Minute
		before := len(l.tv.Requests())
		l.wantState(s.Handle, Expired)
		if n := len(l.tv.Requests()); n != before || l.chosen().Pin != nil {
			t.Errorf("plex.tv was asked %d times for an expired PIN; kept: %+v", n-before, l.chosen())
		}
	}
}

// Who signs out while another process stores the token stays signed out.
func TestSignOutDuringTheLastPoll(t *testing.T) {
	l := newLab(t)
	s, err := l.Start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.Claim(s.Code, accountToken)
	l.tv.Inject(plextest.TVFault{Prefix: "/api/v2/user", Delay: 300 * time.Millisecond})
	ended := make(chan State)
	go func() {
		st, err := l.Poll(t.Context(), s.Handle)
		if err != nil {
			t.Error(err)
		}
		ended <- st
	}()
	for asked := false; !asked; runtime.Gosched() {
		for _, r := range l.tv.Requests() {
			asked = asked || strings.HasSuffix(r.Path, "/api/v2/user")
		}
	}
	if err := SignOut(l.Context(), l.Dir); err != nil {
		t.Fatal(err)
	}
	if st := <-ended; st.State != Replaced || l.chosen().Token != "" {
		t.Errorf("%+v, %+v", st, l.chosen())
	}
}
