package stashtest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyOrNothingOpensAStashWithALogin(t *testing.T) {
	s := newStash(t)
	s.RequireLogin("the-key", 3600)
	for key, want := range map[string]int{"": 401, "wrong": 401, "the-key": 200} {
		res, body := s.post(`{version{version}}`, nil, "ApiKey", key)
		if res.StatusCode != want || want == 401 && body != "" {
			t.Errorf("key %q: %d %s", key, res.StatusCode, body)
		}
	}
	res, body := s.post(`{configuration{general{apiKey}}}`, nil, "ApiKey", "the-key")
	if res.StatusCode != 200 || !strings.Contains(body, `"apiKey":"the-key"`) {
		t.Errorf("with the key: %d %s", res.StatusCode, body)
	}
}

func TestSessionEndsUnlessItIsRenewed(t *testing.T) {
	s := newStash(t)
	synctest.Test(t, func(t *testing.T) {
		s := &stash{t, s.Server} // with the context of the bubble
		s.RequireLogin("the-key", 3600)
		first := s.Session()
		cookie := first
		renew := func() int {
			res, _ := s.post(`{version{version}}`, nil, "Cookie", cookie)
			if list := res.Cookies(); len(list) == 1 {
				cookie = list[0].Name + "=" + list[0].Value
			}
			return res.StatusCode
		}
		for range 3 {
			if got := renew(); got != 200 {
				t.Fatalf("with a session: %d", got)
			}
			<-time.After(50 * time.Minute)
		}
		if res, _ := s.post(`{version{version}}`, nil, "Cookie", first); res.StatusCode != 401 {
			t.Errorf("with a session of 150 minutes ago: %d", res.StatusCode)
		}
		if res, _ := s.post(`{version{version}}`, nil, "Cookie", cookie, "ApiKey", "wrong"); res.StatusCode != 401 {
			t.Errorf("with a session and a wrong key: %d", res.StatusCode)
		}
		<-time.After(20 * time.Minute)
		if got := renew(); got != 401 {
			t.Errorf("70 minutes after the last answer: %d", got)
		}
	})
}
