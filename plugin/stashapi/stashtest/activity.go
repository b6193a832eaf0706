package stashtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stashapp/stash/pkg/utils"
)

// SetUI replaces the settings of Stash's web app, such as trackActivity.
func (s *Server) SetUI(settings map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ui = settings
}

// Play adds a play to a scene, as a player of Stash does: no hook fires, and its updated_at does not change.
func (s *Server) Play(id int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scenes[id].play(at)
}

// play adds a play in the form in which Stash stores it. There is no unique key: the same second may occur more than once.
func (scene *Scene) play(at time.Time) {
	scene.Plays = append(slices.Clone(scene.Plays), at.UTC().Truncate(time.Second))
}

// unplay deletes one play with this time, if there is one.
func (scene *Scene) unplay(at time.Time) {
	if i := slices.IndexFunc(scene.Plays, at.UTC().Truncate(time.Second).Equal); i >= 0 {
		scene.Plays = slices.Delete(slices.Clone(scene.Plays), i, i+1)
	}
}

// history returns the plays as GraphQL shows them, the newest first.
func (scene *Scene) history() []any {
	list := []any{}
	for _, at := range slices.SortedFunc(slices.Values(scene.Plays), func(a, b time.Time) int { return b.Compare(a) }) {
		list = append(list, at.Format(time.RFC3339Nano))
	}
	return list
}

// activity returns the fields of a scene that show how it is played.
func (scene *Scene) activity() map[string]any {
	plays := scene.history()
	row := map[string]any{
		"play_history": plays, "play_count": len(plays), "last_played_at": nil, "resume_time": scene.Resume, "play_duration": scene.PlayDuration,
	}
	if len(plays) > 0 {
		row["last_played_at"] = plays[0]
	}
	return row
}

// activityOf carries out a mutation of how a scene is played. None fires a hook or changes an updated_at.
func (s *Server) activityOf(name string, args map[string]any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.Atoi(fmt.Sprint(args["id"]))
	if err != nil {
		return nil, fmt.Errorf("converting id: %w", err)
	}
	if s.broken[id] {
		return nil, fmt.Errorf("writing scene %d: database is locked", id)
	}
	scene := s.scenes[id]
	switch name {
	case "sceneAddPlay", "sceneDeletePlay":
		times, err := s.timestamps(args["times"])
		if err != nil {
			return nil, err
		}
		if scene == nil && name == "sceneAddPlay" {
			return nil, errors.New("inserting into scenes_view_dates: executing `INSERT INTO `scenes_view_dates` (`scene_id`, `view_date`) VALUES (?, ?)`: FOREIGN KEY constraint failed")
		}
		if scene == nil { // it has no plays to delete
			scene = &Scene{}
		}
		scene.change(name == "sceneAddPlay", times, s.clock())
		return map[string]any{"count": len(scene.Plays), "history": scene.history()}, nil
	case "sceneResetPlayCount":
		if scene != nil {
			scene.Plays = nil
		}
		return 0, nil
	}
	if scene == nil {
		return nil, fmt.Errorf("id %d does not exist in scenes", id)
	}
	if name == "sceneResetActivity" {
		if args["reset_resume"] == true {
			scene.Resume = 0
		}
		if args["reset_duration"] == true {
			scene.PlayDuration = 0
		}
		return true, nil
	}
	if n := seconds(args["resume_time"]); n != nil {
		scene.Resume = *n
	}
	if n := seconds(args["playDuration"]); n != nil {
		scene.PlayDuration += *n
	}
	return true, nil
}

// change adds or deletes plays. Without times it adds one at this moment, or deletes the newest one.
func (scene *Scene) change(add bool, times []time.Time, now time.Time) {
	switch {
	case len(times) > 0:
	case add:
		times = []time.Time{now}
	case len(scene.Plays) > 0:
		times = []time.Time{slices.MaxFunc(scene.Plays, time.Time.Compare)}
	}
	for _, at := range times {
		if add {
			scene.play(at)
		} else {
			scene.unplay(at)
		}
	}
}

// timestamps reads a list of Timestamp. The caller holds the lock.
func (s *Server) timestamps(list any) ([]time.Time, error) {
	var times []time.Time
	texts, _ := list.([]any)
	for _, v := range texts {
		text := fmt.Sprint(v)
		if text == "" {
			return nil, errors.New("cannot parse Timestamp: empty string")
		}
		if text[0] == '<' || text[0] == '>' { // before or after now
			d, err := time.ParseDuration(text[1:])
			if err != nil {
				return nil, fmt.Errorf("cannot parse Timestamp: cannot parse %c-duration: %w", text[0], err)
			}
			if text[0] == '<' {
				d = -d
			}
			times = append(times, s.clock().Add(d))
			continue
		}
		at, err := utils.ParseDateStringAsTime(text)
		if err != nil {
			return nil, err
		}
		times = append(times, at)
	}
	return times, nil
}

// seconds returns a Float; nil if it is absent.
func seconds(v any) *float64 {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return nil
	}
	return &n
}
