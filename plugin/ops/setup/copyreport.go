package setup

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// How much a report for others holds, in bytes, and how long the check may take.
const (
	reportBytes   = 60_000
	lineBytes     = 700
	reportedLast  = 50 // activities
	reportedCheck = 17 * time.Second
)

// CopiedReport is a text to paste into an issue.
type CopiedReport struct {
	Text string `json:"text"`
}

// copied collects the lines of a report.
type copied struct {
	*desk.Desk
	redactor
	lines []string
}

func copyReport(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	checks, err := args.Yes("check")
	if err != nil {
		return nil, err
	}
	c := copied{Desk: d}
	if c.redactor, err = redactorOf(ctx, d); err != nil {
		return nil, err
	}
	c.say("Stash Plex Sync %s, %s/%s, %s", d.Version, runtime.GOOS, runtime.GOARCH, d.Now().UTC().Format(time.RFC3339))
	steps := []func(context.Context) error{c.state, c.chosen, c.activities}
	if checks {
		steps = slices.Insert(steps, 2, c.checked)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return CopiedReport{text.ClipBytes(strings.Join(c.lines, "\n")+"\n", reportBytes)}, nil
}

// say adds a line of our own words.
func (c *copied) say(format string, values ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, values...))
}

// state says what the queue holds and whether Plex answers.
func (c *copied) state(ctx context.Context) error {
	line, err := c.Status(ctx)
	if err != nil {
		return err
	}
	n, err := c.Store.Counts(ctx, c.Now())
	if err != nil {
		return err
	}
	b, err := c.Store.Breaker(ctx)
	if err != nil {
		return err
	}
	c.say("Status: %s", c.redact(line))
	c.say("Queue: due %d, waiting %d, dead letters %d, items in Plex %d", n.Due.N, n.Waiting.N, n.Dead.N, n.Links.N)
	for _, class := range slices.Sorted(maps.Keys(n.DeadByClass)) {
		c.say("Dead letters (%s): %d", c.redact(class), n.DeadByClass[class])
	}
	c.say("Breaker: %s after %s", b.State, text.Count(b.Failures, "failure", "failures"))
	if b.LastError != "" {
		c.say("Last failure of Plex: %s", c.redact(b.LastError))
	}
	return nil
}

// chosen says which settings differ from their defaults. Only numbers and truth values are shown.
func (c *copied) chosen(context.Context) error {
	if c.Silent() {
		c.say("Settings: unknown, because Stash did not answer")
		return nil
	}
	var list []string
	for _, e := range settings.Table(c.Settings, settings.ProblemsOf(c.SettingsErr)) {
		value, unset := fmt.Sprint(e.Value), fmt.Sprint(e.Default)
		switch {
		case len(e.Problems) > 0:
			list = append(list, e.Name+" is not valid")
		case value == unset:
		case e.Kind == "number", e.Kind == "boolean", e.Kind == "fields":
			list = append(list, e.Name+" "+value)
		default:
			list = append(list, e.Name+" is set")
		}
	}
	c.say("Settings: %s", strings.Join(list, ", "))
	if c.SettingsErr != nil && len(settings.ProblemsOf(c.SettingsErr)) == 0 { // what is wrong with a value may repeat it
		c.say("Settings: %s", c.redact(c.SettingsErr.Error()))
	}
	return nil
}

// checked adds the check of the saved settings, as far as it comes in time.
func (c *copied) checked(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, reportedCheck)
	defer cancel()
	checks, _, err := c.Check(limited)
	for _, one := range checks {
		line := "Check " + one.Code + ": failed"
		if one.OK {
			line = "Check " + one.Code + ": ok"
		}
		if detail := c.redact(text.Join(one.Detail, one.Hint)); detail != "" && !nameOnly(one) {
			line += ": " + detail
		}
		c.say("%s", line)
	}
	if err != nil {
		c.say("The check has ended: %s", c.redact(err.Error()))
	}
	return ctx.Err()
}

// activities adds what happened last, the newest first.
func (c *copied) activities(ctx context.Context) error {
	return c.Store.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err := history.Newest(ctx, tx, history.Filter{}, reportedLast)
		for _, a := range list {
			line := fmt.Sprintf("%s scene %d: %s", a.At.UTC().Format(time.RFC3339), a.SceneID, a.Outcome)
			if len(a.Fields) > 0 {
				line += " (" + strings.Join(a.Fields, ", ") + ")"
			}
			if reason := desk.ReasonOf(a.Class, a.Reason, a.Error); reason != nil {
				line += ", " + c.redact(reason.Code) + ": " + c.redact(reason.Text)
			}
			c.say("%s, %d ms", line, a.Took.Milliseconds())
		}
		return err
	})
}

// nameOnly reports whether the detail of a check may be a list of the user's names without quotes.
func nameOnly(c desk.Check) bool {
	return c.OK && (c.Code == "libraries" || c.Code == "learned-paths") || strings.HasPrefix(c.Code, "setting-")
}
