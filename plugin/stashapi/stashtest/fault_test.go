package stashtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// version queries the version, under the name of an operation.
func (s *stash) version(operation string) (string, error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	body := fmt.Sprintf(`{"operationName":%q,"query":"query %s{version{version}}"}`, operation, operation)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stash.invalid/graphql", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(text))), err
}

const good = `200 {"data":{"version":{"version":"v0.30.1"}}}`

func TestFaultsAreLimitedToTheirQueryAndTimes(t *testing.T) {
	s := newStash(t)
	synctest.Test(t, func(t *testing.T) {
		s := &stash{t, s.Server}
		for _, c := range []struct {
			fault stashtest.Fault
			want  string
			err   error
			took  time.Duration
		}{
			{stashtest.Fault{Status: 500}, "500 ", nil, 0},
			{stashtest.Fault{Message: "no"}, `200 {"data":null,"errors":[{"message":"no"}]}`, nil, 0},
			{stashtest.Fault{Reset: true}, "", syscall.ECONNRESET, 0},
			{stashtest.Fault{Truncate: true}, `200 {"data":{"findScenes":`, io.ErrUnexpectedEOF, 0},
			{stashtest.Fault{Hang: true}, "", context.DeadlineExceeded, time.Minute},
			{stashtest.Fault{Delay: 2 * time.Second}, good, nil, 2 * time.Second},
			{stashtest.Fault{Delay: time.Hour}, "", context.DeadlineExceeded, time.Minute},
		} {
			c.fault.Operation, c.fault.Times = "A", 1
			s.Inject(c.fault)
			if got, err := s.version("B"); got != good || err != nil {
				t.Errorf("%+v reaches another query: %s, %v", c.fault, got, err)
			}
			began := time.Now()
			if got, err := s.version("A"); got != c.want || !errors.Is(err, c.err) || time.Since(began) != c.took {
				t.Errorf("%+v: %s, %v after %v", c.fault, got, err, time.Since(began))
			}
			if got, err := s.version("A"); got != good || err != nil {
				t.Errorf("%+v lasts: %s, %v", c.fault, got, err)
			}
		}
	})
}

func TestFaultsLastUntilTheyAreHealed(t *testing.T) {
	s := newStash(t)
	s.Refuse(true)
	if _, err := s.version("A"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	s.Refuse(false)
	s.Inject(stashtest.Fault{Status: 503})
	for range 3 {
		if got, err := s.version("A"); got != "503 " || err != nil {
			t.Errorf("a fault without an end: %s, %v", got, err)
		}
	}
	s.Heal()
	if got, err := s.version("A"); got != good || err != nil {
		t.Errorf("healed: %s, %v", got, err)
	}
	if n := len(s.Queries()); n != 4 {
		t.Errorf("%d queries in the log, want 4: failed ones have reached the server too", n)
	}
	s.Forget()
	if n := len(s.Queries()); n != 0 {
		t.Errorf("%d queries in an emptied log", n)
	}
}
