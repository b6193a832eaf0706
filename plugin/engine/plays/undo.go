package plays

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// Undone counts what an undo took away.
type Undone struct {
	Plays   int
	Resumes int
	Gone    int // plays and resume points that Stash no longer held
}

// Undo takes away from Stash what was written at or after a time: each play by its exact second, and a resume point only if
// Stash still holds it. What was undone is not imported again. It continues where an interrupted one ended.
func (p *Puller) Undo(ctx context.Context, since time.Time) (u Undone, err error) {
	for {
		list, err := p.book().WrittenSince(ctx, since, batch)
		if err != nil {
			return u, err
		}
		if len(list) == 0 {
			break
		}
		if err := p.undoPlays(ctx, list, &u); err != nil {
			return u, err
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return u, err
		}
	}
	return u, p.undoResumes(ctx, since, &u)
}

func (p *Puller) undoPlays(ctx context.Context, list []book.Play, u *Undone) error {
	if err := p.follow(ctx, list); err != nil {
		return err
	}
	held, err := p.Stash.Activities(ctx, scenesOf(list))
	if err != nil {
		return p.stash(ctx, err)
	}
	for chunk := range slices.Chunk(scenesOf(list), stashapi.MaxPlays) {
		times := make(map[int][]time.Time)
		for _, one := range list {
			if !slices.Contains(chunk, one.SceneID) {
				continue
			}
			if slices.ContainsFunc(held.Found[one.SceneID].Plays, one.ViewedAt.Equal) {
				times[one.SceneID] = append(times[one.SceneID], one.ViewedAt)
				u.Plays++
			} else {
				u.Gone++
			}
		}
		failed, err := p.Stash.DeletePlays(ctx, times)
		if err != nil {
			return p.stash(ctx, err)
		}
		for _, err := range failed {
			return p.stash(ctx, err)
		}
	}
	for i := range list {
		list[i].State = book.Undone
	}
	return p.book().Put(ctx, list)
}

// follow finds the scenes that have the files of scenes that are gone: plays move with the file when scenes are merged.
func (p *Puller) follow(ctx context.Context, list []book.Play) error {
	held, err := p.Stash.Activities(ctx, scenesOf(list))
	if err != nil {
		return p.stash(ctx, err)
	}
	var keys []string
	for _, one := range list {
		if slices.Contains(held.Missing, one.SceneID) {
			keys = append(keys, one.RatingKey)
		}
	}
	scenes, err := p.book().Scenes(ctx, keys)
	if err != nil {
		return err
	}
	for i, one := range list {
		if now := scenes[one.RatingKey]; now != 0 && slices.Contains(held.Missing, one.SceneID) {
			list[i].SceneID = now
		}
	}
	return nil
}

func (p *Puller) undoResumes(ctx context.Context, since time.Time, u *Undone) error {
	for before := int64(0); ; {
		list, err := p.book().Standing(ctx, since, before, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, w := range list {
			before = w.ID
			held, err := p.Stash.Activities(ctx, []int{w.SceneID})
			if err != nil {
				return p.stash(ctx, err)
			}
			if a, found := held.Found[w.SceneID]; found && equal(a.Resume, w.New) {
				if err := p.Stash.SaveResume(ctx, w.SceneID, w.Old); err != nil {
					return p.stash(ctx, err)
				}
				u.Resumes++
			} else {
				u.Gone++
			}
			if err := p.book().Undo(ctx, w.ID, time.Now()); err != nil {
				return err
			}
		}
	}
}

// ReadAll notes the complete history without importing it, so that its size is known. It returns how many rows Plex has.
func (p *Puller) ReadAll(ctx context.Context) error {
	since, why, err := p.ready(ctx)
	if err != nil || why != "" {
		return err
	}
	var sum Summary
	_, err = p.readFrom(ctx, 0, since, &sum)
	return err
}

// Import writes the plays that were noted before the import began, of the chosen accounts.
func (p *Puller) Import(ctx context.Context) (sum Summary, err error) {
	since, why, err := p.ready(ctx)
	if err != nil || why != "" {
		return Summary{Idle: why}, err
	}
	var accounts []int
	for id := range since {
		accounts = append(accounts, id)
	}
	for {
		n, err := p.book().Import(ctx, accounts, 10*batch)
		if err != nil {
			return sum, err
		}
		if err := p.write(ctx, &sum); err != nil || n == 0 {
			return sum, err
		}
	}
}
