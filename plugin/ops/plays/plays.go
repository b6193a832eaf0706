// Package plays holds the operations of the page about what is watched in Plex. OPERATIONS.md describes each of them.
package plays

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	engine "github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// Operations returns the operations about plays by their names.
func Operations() map[string]desk.Operation {
	return map[string]desk.Operation{
		"accounts": {Do: accounts},
		"plays":    {Do: plays, Args: []string{"state", "cursor", "limit"}},
	}
}

// Report says what is imported, and what became of the plays in Plex's history.
type Report struct {
	On         bool       `json:"on"`
	Whose      []string   `json:"whose"`    // the setting
	Accounts   []Account  `json:"accounts"` // whose plays are imported
	Why        string     `json:"why"`      // why nothing is imported although it is on; "" if it is
	LastPullAt *time.Time `json:"last_pull_at"`
	Counts     []Count    `json:"counts"`
	Items      []Play     `json:"items"`
	Next       string     `json:"next"` // args.cursor of the next page; "" if there is none
}

// Account is an account of Plex.
type Account struct {
	ID    int        `json:"id"`
	Name  string     `json:"name"`            // "" if it is not known
	Since *time.Time `json:"since,omitempty"` // plays after this time are imported
}

// Count sums up the plays of one account in one library and state.
type Count struct {
	Account     int        `json:"account"`
	AccountName string     `json:"account_name"`
	Library     string     `json:"library"`
	LibraryName string     `json:"library_name"`
	State       string     `json:"state"`
	Linked      bool       `json:"linked"` // to scenes
	Plays       int        `json:"plays"`
	First       *time.Time `json:"first"`
	Last        *time.Time `json:"last"`
}

// Play is a row of Plex's history.
type Play struct {
	ViewedAt    *time.Time   `json:"viewed_at"`
	Account     int          `json:"account"`
	AccountName string       `json:"account_name"`
	LibraryName string       `json:"library_name"`
	SceneID     int          `json:"scene_id"` // 0: none
	Title       string       `json:"title"`    // Stash's; Plex's if no scene is known
	State       string       `json:"state"`
	Attempts    int          `json:"attempts"`
	DueAt       *time.Time   `json:"due_at"` // when it is tried again
	Reason      *desk.Reason `json:"reason"`
}

// names are what numbers stand for.
type names struct {
	accounts  map[int]string
	libraries map[string]string
	since     map[int]time.Time
}

func plays(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	state, err := args.OneOf("state", string(book.Written), string(book.New), string(book.Skipped), string(book.Dead), string(book.Past), string(book.Undone), string(book.Writing), string(book.Undoing))
	if err != nil {
		return nil, err
	}
	limit, err := args.Number("limit", 1, desk.PageAtMost, desk.PageUsual)
	if err != nil {
		return nil, err
	}
	after, err := position(args)
	if err != nil {
		return nil, err
	}
	b, n, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	r := Report{On: len(d.Settings.Plays) > 0, Whose: append([]string{}, d.Settings.Plays...), Accounts: []Account{}, Items: []Play{}}
	for _, id := range sorted(n.since) {
		r.Accounts = append(r.Accounts, Account{id, n.accounts[id], desk.When(n.since[id])})
	}
	_, at, err := d.Store.Meta(ctx, engine.KeyPulled)
	if err != nil {
		return nil, err
	}
	r.LastPullAt = desk.When(at)
	if r.On {
		if r.Why, _, err = d.Store.Meta(ctx, engine.KeyWhy); err != nil {
			return nil, err
		}
	}
	if r.Counts, err = counts(ctx, b, n); err != nil {
		return nil, err
	}
	list, err := b.List(ctx, book.State(state), after, limit+1)
	if err != nil {
		return nil, err
	}
	if len(list) > limit {
		list = list[:limit]
		last := book.PositionOf(list[limit-1])
		r.Next = fmt.Sprintf("%d/%d/%s", last.ViewedAt, last.Account, last.Key)
	}
	r.Items = append(r.Items, shown(ctx, d, n, list)...)
	return r, nil
}

// position reads the cursor.
func position(args desk.Args) (p book.Position, err error) {
	cursor, err := args.Text("cursor")
	if err != nil || cursor == "" {
		return p, err
	}
	parts := strings.SplitN(cursor, "/", 3)
	if len(parts) == 3 {
		var odd [2]error
		p.ViewedAt, odd[0] = strconv.ParseInt(parts[0], 10, 64)
		p.Account, odd[1] = strconv.Atoi(parts[1])
		if p.Key = parts[2]; odd == [2]error{} && p.ViewedAt > 0 {
			return p, nil
		}
	}
	return p, fmt.Errorf("the cursor %s is of no page of this list", desk.Shown(cursor))
}

// open returns the plays of the current server, and what the numbers in them stand for.
func open(ctx context.Context, d *desk.Desk) (book.Book, names, error) {
	var n names
	server, _, err := d.Store.Meta(ctx, store.KeyServer)
	b := book.Book{Queue: d.Store, Server: server}
	if err != nil {
		return b, n, err
	}
	if n.accounts, err = engine.Names(ctx, d.Store, server); err != nil {
		return b, n, err
	}
	if n.since, err = b.Accounts(ctx); err != nil {
		return b, n, err
	}
	n.libraries, err = libraries(ctx, d, server)
	return b, n, err
}

func libraries(ctx context.Context, d *desk.Desk, server string) (map[string]string, error) {
	index, err := d.Index(ctx)
	if err != nil {
		return nil, err
	}
	states, err := index.States(ctx, server)
	titles := make(map[string]string, len(states))
	for _, s := range states {
		titles[s.Section] = s.Title
	}
	return titles, err
}

// Counts sums up the plays of the current server, for a task.
func Counts(ctx context.Context, d *desk.Desk) ([]Count, error) {
	b, n, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	return counts(ctx, b, n)
}

func counts(ctx context.Context, b book.Book, n names) ([]Count, error) {
	list, err := b.Counts(ctx)
	rows := make([]Count, len(list))
	for i, c := range list {
		rows[i] = Count{
			c.Account, n.accounts[c.Account], c.Section, n.libraries[c.Section], string(c.State), c.Matched, c.N, desk.When(c.First), desk.When(c.Last),
		}
	}
	return rows, err
}

// Line says what a count is, for the log.
func (c Count) Line() string {
	linked := "linked to scenes"
	if !c.Linked {
		linked = "linked to no scene"
	}
	name, library := text.Private(c.AccountName), c.LibraryName
	if c.AccountName == "" {
		name = fmt.Sprint("account ", c.Account)
	}
	if library == "" {
		library = "library " + c.Library
	}
	return fmt.Sprintf("%s of %s in %s, %s, %s: from %s to %s", text.Count(c.Plays, "play", "plays"), name, library, c.State, linked,
		c.First.Format(time.DateOnly), c.Last.Format(time.DateOnly))
}

// OfScene returns the last plays of a scene.
func OfScene(ctx context.Context, d *desk.Desk, scene, limit int) ([]Play, error) {
	b, n, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	list, err := b.OfScene(ctx, scene, limit)
	return shown(ctx, d, n, list), err
}

// shown returns plays as the page gets them.
func shown(ctx context.Context, d *desk.Desk, n names, list []book.Play) []Play {
	var ids []int
	for _, p := range list {
		if p.SceneID != 0 {
			ids = append(ids, p.SceneID)
		}
	}
	slices.Sort(ids)
	titles := d.Titles(ctx, slices.Compact(ids))
	rows := make([]Play, len(list))
	for i, p := range list {
		title := titles[p.SceneID]
		if p.SceneID == 0 {
			title = text.Private(text.OneLine(p.Title, text.ValueLimit))
		}
		rows[i] = Play{
			ViewedAt: desk.When(p.ViewedAt), Account: p.Account, AccountName: n.accounts[p.Account], LibraryName: n.libraries[p.Section],
			SceneID: p.SceneID, Title: title, State: string(p.State), Attempts: p.Attempts, Reason: n.why(p),
		}
		if (p.State == book.New || p.State == book.Writing) && p.DueAt.UnixMilli() > 0 {
			rows[i].DueAt = desk.When(p.DueAt)
		}
	}
	return rows
}

// why returns the reason why a play was not written; nil if there is nothing to explain.
func (n names) why(p book.Play) *desk.Reason {
	because := reason.Parse(p.Reason)
	_, chosen := n.since[p.Account]
	switch {
	case because.Code != "" || p.State == book.Written:
	case p.State == book.Past && chosen:
		because = reason.PlayEarlier()
	case p.State == book.Past:
		because = reason.PlayOfOther(fmt.Sprint(p.Account))
	case p.State == book.New && p.SceneID == 0:
		because = reason.PlayNoScene()
	}
	sentence := p.Error
	if sentence == "" {
		sentence = sentences[because.Code]
	}
	return desk.ReasonOf(p.Class, because.JSON(), sentence)
}

// sentences say what the codes of plays mean.
var sentences = map[string]string{
	"play_known":      "Stash has this play already",
	"play_item_gone":  "Plex no longer has this video",
	"play_no_scene":   "this video is linked to no scene, or to several of which none owns it",
	"play_earlier":    "this play is older than the import of its account",
	"play_of_other":   "the plays of this account are not imported",
	"gone_from_stash": "Stash no longer has the scene",
	"item_changed":    "the video in Plex has another file than when it was linked to the scene",
	"stash_refuses":   "Stash refused to add the play",
}

// accounts lists the accounts of Plex.
func accounts(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	if d.SettingsErr != nil {
		return nil, d.SettingsErr
	}
	plex, err := d.Plex(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, desk.InspectLimit)
	defer cancel()
	r := struct {
		Plex     desk.Answer `json:"plex"`
		Accounts []Account   `json:"accounts"`
	}{desk.Answer{Reachable: true}, []Account{}}
	list, err := plex.Accounts(ctx)
	if err != nil {
		r.Plex = desk.Failed(err)
		return r, nil
	}
	slices.SortFunc(list, func(a, b plexapi.Account) int { return int(a.ID - b.ID) })
	for _, a := range list {
		r.Accounts = append(r.Accounts, Account{ID: int(a.ID), Name: text.OneLine(a.Name, text.ValueLimit)})
	}
	return r, nil
}

func sorted(since map[int]time.Time) []int {
	ids := make([]int, 0, len(since))
	for id := range since {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
