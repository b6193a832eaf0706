package stashtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestPlaysBehaveAsInStash(t *testing.T) {
	s := newStash(t)
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	s.Add(stashtest.Scene{ID: 1})
	for _, step := range []struct{ query, want string }{
		{`{findScene(id:1){play_history play_count last_played_at resume_time play_duration}}`, `{"findScene":{"last_played_at":null,"play_count":0,"play_duration":0,"play_history":[],"resume_time":0}}`},
		{`mutation{sceneAddPlay(id:1,times:["2026-01-02T04:04:05.7+01:00","2026-01-02T03:04:05Z"]){count history}}`, `{"sceneAddPlay":{"count":2,"history":["2026-01-02T03:04:05Z","2026-01-02T03:04:05Z"]}}`},
		{
			`mutation{sceneAddPlay(id:1){count} a:sceneAddPlay(id:1,times:["<1h","2026-01-03"]){history}}`,
			`{"a":{"history":["2026-11-28T12:00:00Z","2026-11-28T11:00:00Z","2026-01-03T00:00:00Z","2026-01-02T03:04:05Z","2026-01-02T03:04:05Z"]},"sceneAddPlay":{"count":3}}`,
		},
		{`{findScene(id:1){last_played_at}}`, `{"findScene":{"last_played_at":"2026-11-28T12:00:00Z"}}`},
		{
			`mutation{sceneDeletePlay(id:1){count} a:sceneDeletePlay(id:1,times:["2026-01-02T03:04:05Z","2020-01-01"]){count} b:sceneDeletePlay(id:9){count history}}`,
			`{"a":{"count":3},"b":{"count":0,"history":[]},"sceneDeletePlay":{"count":4}}`,
		},
		{`mutation{sceneSaveActivity(id:1,resume_time:5,playDuration:7) a:sceneSaveActivity(id:1,playDuration:1.5)}`, `{"a":true,"sceneSaveActivity":true}`},
		{`{findScene(id:1){resume_time play_duration}}`, `{"findScene":{"play_duration":8.5,"resume_time":5}}`},
		{`mutation{sceneResetActivity(id:1,reset_resume:true)}`, `{"sceneResetActivity":true}`},
		{`mutation{sceneResetPlayCount(id:1)}`, `{"sceneResetPlayCount":0}`},
		{`{findScene(id:1){play_count resume_time play_duration}}`, `{"findScene":{"play_count":0,"play_duration":8.5,"resume_time":0}}`},
		{`{configuration{ui}}`, `{"configuration":{"ui":{}}}`},
	} {
		s.want(step.query, nil, `{"data":`+step.want+`}`)
	}
	for _, query := range []string{`sceneAddPlay(id:9){count}`, `sceneSaveActivity(id:9)`, `sceneResetActivity(id:9)`, `sceneAddPlay(id:1,times:["soon"]){count}`, `sceneAddPlay(id:"x"){count}`} {
		_, body := s.post("mutation{first:sceneAddPlay(id:1){count} "+query+" last:sceneAddPlay(id:1){count}}", nil)
		if !strings.HasPrefix(body, `{"data":null,"errors":[{"message":"`) || !strings.Contains(body, `"path":["scene`) || strings.Contains(body, `"first"`) {
			t.Errorf("%s: %s", query, body)
		}
	}
	if scene, _ := s.Scene(1); len(scene.Plays) != 10 {
		t.Errorf("%d plays beside the refused ones, want 10", len(scene.Plays))
	}
}
