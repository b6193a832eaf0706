package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// CheckReport is what "Check connection" found.
type CheckReport struct {
	OK      bool           `json:"ok"`
	Checks  []Check        `json:"checks"`
	Samples []SampleReport `json:"samples"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

// SampleReport is how one scene matches.
type SampleReport struct {
	SceneID   int    `json:"scene_id"`
	Path      string `json:"path"`
	Rule      string `json:"rule"` // "" if it does not match
	RatingKey string `json:"rating_key"`
	Unchecked bool   `json:"unchecked,omitempty"` // there was no time for it
}

// How long the check may take, in all and for each part.
const (
	checkLimit    = 20 * time.Second
	stashLimit    = 4 * time.Second
	plexLimit     = 11 * time.Second // two requests of at most 5 s
	matchingLimit = 10 * time.Second
)

// check looks at everything that a push needs, one after the other, and says what to do about the first
// thing that is wrong. It accepts the server that answers as the right one from now on. It starts no run and
// writes nothing to the index.
func (s *session) check(ctx context.Context, _ common.ArgsMap) (any, error) {
	limited, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if err := s.open(limited); err != nil {
		return nil, err
	}
	c := checker{session: s, report: CheckReport{OK: true, Checks: []Check{}, Samples: []SampleReport{}}}
	for _, part := range []struct {
		limit time.Duration
		look  func(context.Context) error
	}{
		{stashLimit, c.stashAnswers},
		{stashLimit, c.settingsAreRight},
		{plexLimit, c.plexAnswers},
		{stashLimit, c.librariesAreThere},
		{stashLimit, c.pathsAreLearned},
		{matchingLimit, c.scenesMatch},
	} {
		if err := within(limited, part.limit, part.look); err != nil {
			c.report.OK = false
			break
		}
	}
	if ctx.Err() != nil {
		return nil, errors.New("the check was stopped")
	}
	for _, one := range c.report.Checks {
		event := s.z.Info()
		if !one.OK {
			event = s.z.Error()
		}
		text := one.Name + ": " + one.Detail
		if one.Hint != "" {
			text += "; " + one.Hint
		}
		event.Msg(text)
	}
	return c.report, nil
}

// within calls f with a context that ends after limit.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}

// checker gathers the report.
type checker struct {
	*session
	report   CheckReport
	engine   *engine.Engine
	identity plexapi.Identity
	found    []plexapi.Section
	chosen   []plexapi.Section // of them, by the settings
}

// add records one check and returns err.
func (c *checker) add(name, detail, hint string, err error) error {
	if err != nil {
		detail = strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(), "no answer in time")
	}
	c.report.Checks = append(c.report.Checks, Check{Name: name, OK: err == nil, Detail: detail, Hint: hint})
	return err
}

func (c *checker) stashAnswers(ctx context.Context) error {
	version, err := c.stash.Version(ctx)
	return c.add("Stash", "version "+version, "", err)
}

func (c *checker) settingsAreRight(ctx context.Context) error {
	err := c.readSettings(ctx)
	problems := problemsOf(err)
	if len(problems) == 0 {
		detail := "complete"
		if len(c.set.Unknown) > 0 {
			detail += "; nobody knows " + strings.Join(c.set.Unknown, ", ")
		}
		return c.add("Settings", detail, "", err)
	}
	for _, p := range problems {
		c.report.Checks = append(c.report.Checks, Check{Name: "Setting " + p.Setting, Detail: p.quoted(), Hint: p.Remedy})
	}
	if c.set.PlexURL == "" && c.set.PlexToken == "" {
		c.lookForPeer(ctx)
	}
	return err
}

// The plugin that many used before this one, and the names of its settings.
const (
	peer        = "Stash2Plex"
	peerURL     = "plex_url"
	peerToken   = "plex_token"
	peerLibrary = "plex_library"
)

// lookForPeer says where the values of the missing settings may be found. It copies none: Stash replaces all
// settings of a plugin at once, and an open settings page would undo that.
func (c *checker) lookForPeer(ctx context.Context) {
	set, err := c.stash.Settings(ctx, peer)
	if err != nil || textOf(set[peerURL]) == "" && textOf(set[peerToken]) == "" {
		return // nothing to say, and Stash's own failure is another check's
	}
	detail := fmt.Sprintf("its settings are there: plexUrl here is its %s (%q), plexToken its %s", peerURL, withoutSecrets(textOf(set[peerURL])), peerToken)
	if library := textOf(set[peerLibrary]); library != "" {
		detail += fmt.Sprintf(", plexLibraries its %s (%q)", peerLibrary, library)
	}
	c.report.Checks = append(c.report.Checks, Check{
		Name: peer, OK: true, Detail: detail,
		Hint: "copy them on the settings page, then disable " + peer + ", so that the two do not write into Plex against each other",
	})
}

func (c *checker) plexAnswers(ctx context.Context) error {
	var err error
	if c.engine, err = c.session.engine(ctx); err != nil {
		return c.add("Plex", "", "", err)
	}
	if c.identity, c.found, err = c.engine.Plex.Probe(ctx); err != nil {
		return c.add("Plex", "", "", err)
	}
	return c.add("Plex", "version "+c.identity.Version+", the token is accepted", "", c.acceptServer(ctx))
}

// acceptServer makes this server the one that everything belongs to.
func (c *checker) acceptServer(ctx context.Context) error {
	known, _, err := c.db.Meta(ctx, store.KeyServer)
	if err != nil || known == c.identity.MachineIdentifier {
		return err
	}
	if known != "" {
		if err := c.add("Server", "another one than before: it is used from now on, and its files are read anew", "", nil); err != nil {
			return err
		}
	}
	return c.db.SetMeta(ctx, time.Now(), store.KeyServer, c.identity.MachineIdentifier)
}

func (c *checker) librariesAreThere(context.Context) error {
	const name = "Libraries"
	var names, absent []string
	c.chosen, absent = match.ChooseSections(c.found, c.set.Libraries)
	for _, s := range c.chosen {
		names = append(names, s.Title)
	}
	switch {
	case len(c.chosen) == 0:
		return c.add(name, "", "", errors.New(match.WhyNoLibrary(c.found, c.set.Libraries)))
	case len(absent) > 0:
		return c.add(name, "", "the setting plexLibraries takes names or ids of libraries of movies or shows", errors.New(match.WhyAbsent(c.found, absent)))
	}
	return c.add(name, strings.Join(names, ", "), "", nil)
}
