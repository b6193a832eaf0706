package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/setup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/peer"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// CheckReport is the result of "Check connection".
type CheckReport struct {
	OK          bool          `json:"ok"`
	Checks      []Check       `json:"checks"`
	Samples     []desk.Sample `json:"samples"`
	Server      *setup.Server `json:"server"`       // that answered; null: none
	KnownServer string        `json:"known_server"` // to which scenes are pushed, before this check; "" if none
}

const setting = desk.SettingCheck

// Check is the result of one check.
type Check = desk.Check

// How long the check may take, in all and for each part.
const (
	checkLimit    = 20 * time.Second
	stashLimit    = 4 * time.Second
	plexLimit     = 11 * time.Second // two requests of at most 5 s, and one more that may fail
	matchingLimit = 10 * time.Second
)

// check verifies everything that a push needs, in order, up to the first failure, and says what to do about that. It
// accepts the Plex server that answers as the one to push to. It starts no run and does not write to the index. With
// args.settings it checks these in place of the saved ones. Then, and with args.read_only, it accepts no server and logs
// nothing.
func (s *session) check(ctx context.Context, args common.ArgsMap) (any, error) {
	given, err := desk.GivenSettings(args["settings"])
	if err != nil {
		return nil, err
	}
	readOnly := given != nil || args.Bool("read_only")
	c := checker{session: s, given: given, accepts: !readOnly}
	if given != nil {
		s.client = guest
		if s.index, err = plexindex.OpenInMemory(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.run(ctx); err != nil || readOnly {
		return c.report, err
	}
	for _, one := range c.report.Checks {
		event := s.z.Info()
		if !one.OK {
			event = s.z.Error()
		}
		event.Msg(cmp.Or(one.Line, text.Join(one.Name+": "+one.Detail, one.Hint)))
	}
	if c.report.OK {
		s.z.Info().Msg(c.verdict())
	} else {
		s.z.Error().Msg(c.verdict())
	}
	return c.report, nil
}

// run checks one part after the other, up to the first failure.
func (c *checker) run(ctx context.Context) (err error) {
	limited, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	c.report = CheckReport{Checks: []Check{}, Samples: []desk.Sample{}}
	if err := c.open(limited); err != nil {
		return err
	}
	if c.report.KnownServer, _, err = c.db.Meta(limited, store.KeyServer); err != nil {
		return err
	}
	for _, part := range []struct {
		limit time.Duration
		look  func(context.Context) error
	}{
		{stashLimit, c.stashAnswers},
		{stashLimit, c.settingsAreRight},
		{stashLimit, func(ctx context.Context) error { return c.aside(peer.Enabled(ctx, c.stash)) }},
		{stashLimit, c.tagsAreFound},
		{stashLimit, c.pathMapIsUsed},
		{plexLimit, c.plexAnswers},
		{stashLimit, c.librariesAreThere},
		{stashLimit, c.agentsAreKnown},
		{stashLimit, c.pathsAreLearned},
		{matchingLimit, c.scenesMatch},
	} {
		if err := within(limited, part.limit, part.look); err != nil {
			break
		}
	}
	if err := c.notePlex(limited, true); err != nil { // after a check of settings that are not saved there is nothing to note
		return err
	}
	c.report.OK = !slices.ContainsFunc(c.report.Checks, func(one Check) bool { return !one.OK })
	for i := range c.report.Checks {
		c.report.Checks[i].Complete()
	}
	if ctx.Err() != nil {
		return errors.New("the check was cancelled")
	}
	return nil
}

// verdict returns the last line of the check: all is good, or what is not.
func (c *checker) verdict() string {
	const check = "Check connection: "
	var failed []string
	for _, one := range c.report.Checks {
		if one.OK {
			continue
		}
		if key, is := strings.CutPrefix(one.Name, setting); is {
			failed = append(failed, settings.Label(key))
		} else {
			failed = append(failed, one.Name)
		}
	}
	switch {
	case len(failed) > 0:
		return check + "problems with " + strings.Join(failed, ", ") + ". The error lines of this check say what to do"
	case c.looked == 0:
		return check + "all good, but no scene was compared. Next: \"Preview changes\""
	case c.matched == 0:
		return check + "the connection is good, but no sample scene was found in Plex: see \"" + matching + "\""
	}
	return fmt.Sprintf("%sall good; %d of %s found in Plex. Next: \"Preview changes\"", check, c.matched, text.Count(c.looked, "sample scene", "sample scenes"))
}

// within calls f with a context that ends after limit.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}

// checker collects the report.
type checker struct {
	*session
	given    map[string]any // the settings to check; nil: the saved ones
	accepts  bool           // the server that answers becomes the one to push to
	report   CheckReport
	engine   *engine.Engine
	identity plexapi.Identity
	found    []plexapi.Section
	chosen   []plexapi.Section // of them, by the settings
	looked   int               // sample scenes that were looked up
	matched  int               // of them, those that Plex has
}

// add records one check and returns err.
func (c *checker) add(name, detail, hint string, err error) error {
	one := Check{Name: name, OK: err == nil, Detail: detail, Hint: hint}
	if err != nil {
		failed := desk.Failed(err)
		if one.Detail = failed.Why; failed.Reason.Code != reason.OwnFiles().Code { // which stands for every error without a code
			one.Reason = failed.Reason
		}
	}
	c.report.Checks = append(c.report.Checks, one)
	return err
}

func (c *checker) stashAnswers(ctx context.Context) error {
	version, err := c.stash.Version(ctx)
	return c.add("Stash", "version "+version, "", err)
}

func (c *checker) settingsAreRight(ctx context.Context) error {
	err := c.readSettings(ctx)
	problems := settings.ProblemsOf(err)
	if c.given != nil && (err == nil || len(problems) > 0) { // nothing of the saved ones is used
		err = c.useGiven()
		problems = settings.ProblemsOf(err)
	}
	if len(problems) == 0 {
		detail := "address and token are filled in"
		if c.where.SignedIn {
			detail = fmt.Sprintf("signed in to the server %q", c.where.Server)
		}
		if len(c.set.Unknown) > 0 {
			detail += "; " + settings.UnknownKeys(c.set.Unknown)
		}
		return c.add("Settings", detail, "", err)
	}
	if c.given == nil && c.unread != nil {
		err = c.add("Sign-in", "", "", c.unread)
	}
	for _, p := range problems {
		c.report.Checks = append(c.report.Checks, Check{Name: setting + p.Setting, Detail: p.Quoted(), Hint: p.Remedy, Line: p.String()})
	}
	if c.set.PlexURL == "" && c.set.PlexToken == "" {
		err = cmp.Or(c.aside(peer.Values(ctx, c.stash)), err)
	}
	if c.given != nil && c.set.PlexURL != "" && c.set.PlexToken == "" {
		return cmp.Or(within(ctx, stashLimit, c.identityAnswers), err)
	}
	return err
}

// useGiven reads the settings of the call in place of the saved ones. If both hold neither an address nor a token, the
// sign-in is used with them, unless they are the first to accept any certificate: its token would not be safe.
func (c *checker) useGiven() error {
	signedIn, verified := c.where, !c.set.InsecureTLS
	var err error
	c.set, err = settings.Parse(c.given)
	c.where = account.Connection{URL: c.set.PlexURL, Token: c.set.PlexToken}
	c.log.AddSecret(c.set.PlexToken)
	unset := 0
	rest := slices.DeleteFunc(slices.Clone(settings.ProblemsOf(err)), func(p settings.Problem) bool {
		of := p.Unset() && (p.Setting == "plexUrl" || p.Setting == "plexToken")
		if of {
			unset++
		}
		return of
	})
	switch {
	case !signedIn.SignedIn || unset < 2 || c.set.InsecureTLS && verified:
		return err
	case len(rest) > 0:
		err = &settings.Error{Problems: rest}
	default:
		err = nil
	}
	c.where = signedIn
	return err
}

// identityAnswers asks who is at an address for which no token was given, and nothing else.
func (c *checker) identityAnswers(ctx context.Context) error {
	plex, err := c.plex(ctx)
	if err == nil {
		if c.identity, err = plex.Identity(ctx); err == nil {
			c.report.Server = setup.ServerOf(c.identity, "")
		}
	}
	return c.add("Plex", "version "+c.identity.Version+"; nothing else was asked without a token", "", err)
}

// aside records what there is to say about the other plugin.
func (c *checker) aside(detail, hint string) error {
	if detail == "" {
		return nil
	}
	return c.add(peer.Name, detail, hint, nil)
}

// tagsAreFound reports which tags are excluded.
func (c *checker) tagsAreFound(ctx context.Context) error {
	if len(c.set.ExcludeTags) == 0 {
		return nil
	}
	const name = "Excluded tags"
	e, err := hidden.Resolve(ctx, c.db, c.stash, c.set.ExcludeTags)
	if err != nil {
		return c.add(name, "", "", err)
	}
	if problem := e.Problem(); problem != "" {
		return c.add(name, "", "until then nothing is pushed", errors.New(problem))
	}
	return c.add(name, fmt.Sprintf("found: %d, including child tags", len(e.ByID)), text.Join(e.Warnings()...), nil)
}

// pathsRead is how many paths are read to find one that is in a folder of the path map.
const pathsRead = 100

// pathMapIsUsed reports folders of the path map in which Stash has no file. The check continues.
func (c *checker) pathMapIsUsed(ctx context.Context) error {
	for _, pair := range c.set.PathMap {
		paths, err := c.stash.PathsLike(ctx, pair.From, pathsRead)
		if err != nil {
			return c.add(setting+"pathMap", "", "", err)
		}
		inside := func(path string) bool { _, below := match.Under(path, pair.From); return below }
		if len(paths) >= pathsRead || slices.ContainsFunc(paths, inside) {
			continue
		}
		detail := fmt.Sprintf("Stash has no file in the folder %s", text.Private(pair.From))
		const hint = "each pair begins with a folder in Stash: correct it, or remove the pair"
		c.report.Checks = append(c.report.Checks, Check{
			Name: setting + "pathMap", Detail: detail, Hint: hint, Line: text.Join(settings.Label("pathMap")+": "+detail, hint),
		})
	}
	return nil
}

func (c *checker) plexAnswers(ctx context.Context) error {
	var err error
	if c.engine, err = c.session.engine(ctx); err != nil {
		return c.add("Plex", "", "", err)
	}
	if c.identity, c.found, err = c.engine.Plex.Probe(ctx); err != nil {
		return c.add("Plex", "", "", err)
	}
	name, _ := c.engine.Plex.Name(ctx) // it is only shown
	c.report.Server = setup.ServerOf(c.identity, name)
	return c.add("Plex", "version "+c.identity.Version+", the token is accepted", "", c.acceptServer(ctx))
}

// acceptServer records this Plex server as the one to push to.
func (c *checker) acceptServer(ctx context.Context) error {
	known := c.report.KnownServer
	switch {
	case known == c.identity.MachineIdentifier, known == "" && !c.accepts:
		return nil
	case !c.accepts:
		return c.add("Server", "not the same Plex server as before", "nothing is pushed to it until it is accepted", nil)
	case known != "":
		if err := c.add("Server", "not the same Plex server as before: it is used from now on, and the next run reads its files", "", nil); err != nil {
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
	case len(absent) > 0 && len(c.set.Libraries) == 0: // unreadable ones, which nobody asked for by name
		return c.add(name, strings.Join(names, ", "), match.WhyAbsent(c.found, absent)+"; its scenes wait", nil)
	case len(absent) > 0:
		return c.add(name, "", "", errors.New(match.WhyAbsent(c.found, absent)))
	}
	return c.add(name, strings.Join(names, ", "), "", nil)
}

// agentsAreKnown reports the agent of each chosen library.
func (c *checker) agentsAreKnown(context.Context) error {
	detail, hint := match.DescribeAgents(c.chosen)
	return c.add("Agents", detail, hint, nil)
}
