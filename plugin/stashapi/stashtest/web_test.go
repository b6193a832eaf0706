package stashtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// post sends a document, and returns the answer.
func post(s *Server, query string) string {
	w := httptest.NewRecorder()
	body := strings.NewReader(`{"query": ` + fmt.Sprintf("%q", query) + `}`)
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/graphql", body))
	return strings.TrimSpace(w.Body.String())
}

// A subscriber sees each job begin, run and end, and the end of a scan.
func TestSubscribe(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	seen := make(chan string, 10)
	for _, query := range []string{`subscription { jobsSubscribe { type job { id status } } }`, `subscription { scanCompleteSubscribe }`} {
		go s.Subscribe(ctx, "", query, nil, func(data map[string]any) { seen <- fmt.Sprint(data) })
	}
	for limit := time.Now().Add(10 * time.Second); s.Subscribers() < 2 && time.Now().Before(limit); {
		<-time.After(time.Millisecond)
	}
	release := s.Hold("Scanning...")
	waiting := s.queue.add("p", "task", "", nil)
	s.queue.stop(waiting)
	release()
	var got []string
	for range 6 {
		select {
		case event := <-seen:
			got = append(got, event)
		case <-time.After(10 * time.Second):
			t.Fatalf("only %v", got)
		}
	}
	for _, want := range []string{
		"map[jobsSubscribe:map[job:map[id:1 status:READY] type:ADD]]", "map[jobsSubscribe:map[job:map[id:1 status:RUNNING] type:UPDATE]]",
		"map[jobsSubscribe:map[job:map[id:2 status:READY] type:ADD]]", "map[jobsSubscribe:map[job:map[id:2 status:CANCELLED] type:REMOVE]]",
		"map[jobsSubscribe:map[job:map[id:1 status:FINISHED] type:REMOVE]]", "map[scanCompleteSubscribe:true]",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %v", want, got)
		}
	}
	if err := s.Subscribe(ctx, "", `subscription { nothing }`, nil, nil); err == nil {
		t.Error("an invalid subscription is accepted")
	}
}

// The settings of a plugin are replaced as a whole, and a plugin is switched off by its id.
func TestConfigurePlugin(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s.SetSettings("p", map[string]any{"a": 1, "b": 2})
	post(s, `mutation { configurePlugin(plugin_id: "p", input: {a: 3}) }`)
	if got := fmt.Sprint(s.Settings("p")); got != "map[a:3]" {
		t.Errorf("the settings are %s", got)
	}
	s.SetPlugin("p", true)
	post(s, `mutation { setPluginsEnabled(enabledMap: {p: false}) }`)
	if got, want := post(s, `{ plugins { id enabled } }`), `{"data":{"plugins":[{"enabled":false,"id":"p"}]}}`; got != want {
		t.Errorf("the plugins are %s, want %s", got, want)
	}
}
