package doing

import (
	"testing"
	"time"
)

func TestOwnWorkIsShownAgainAfterPreparationsAndWaits(t *testing.T) {
	until := time.Date(2026, 11, 29, 14, 5, 0, 0, time.UTC)
	var last Step
	r := Reporter{Show: func(s Step) { last = s }}
	for _, c := range []struct {
		name   string
		report func()
		want   Step
	}{
		{"the own work", func() { r.Works(Pushing, 0, 100) }, Step{Name: Pushing, Total: 100}},
		{"its first scene", func() { r.Begins(7) }, Step{Name: Pushing, Total: 100, Scene: 7}},
		{"a preparation", func() { r.Prepares(Reading, 300, 900) }, Step{Name: Reading, Done: 300, Total: 900}},
		{"the next scene", func() { r.Begins(8) }, Step{Name: Pushing, Total: 100, Scene: 8}},
		{"the next batch", func() { r.Works(Pushing, 50, 120) }, Step{Name: Pushing, Done: 50, Total: 120, Scene: 8}},
		{"a wait", func() { r.Waits(ForProbe, until) }, Step{Name: Pushing, Done: 50, Total: 120, WaitsFor: ForProbe, Until: until}},
		{"the batch after it", func() { r.Works(Pushing, 100, 120) }, Step{Name: Pushing, Done: 100, Total: 120}},
	} {
		if c.report(); last != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, last, c.want)
		}
	}
	new(Reporter).Begins(1) // nobody looks
}
