package plays

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// Undo takes away from Stash what was written at or after a time, for all servers: each play by its exact second, and a
// resume point only if Stash still holds it. An import that has not finished ends. It continues where an interrupted one
// ended, and asks nothing of Plex.
func (p *Puller) Undo(ctx context.Context, since time.Time) (u Undone, err error) {
	servers, err := book.Servers(ctx, p.Store)
	for _, server := range servers {
		if err == nil {
			of := *p
			of.Server = server
			err = of.undo(ctx, since, &u)
		}
	}
	return u, err
}

func (p *Puller) undo(ctx context.Context, since time.Time, u *Undone) error {
	if err := p.book().EndImport(ctx); err != nil {
		return err
	}
	for {
		list, err := p.book().WrittenSince(ctx, since, batch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		if err := p.undoPlays(ctx, list, u); err != nil {
			return err
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
	return p.undoResumes(ctx, since, u)
}

// undoPlays notes which plays it is about to delete, deletes them, and notes that they are deleted.
func (p *Puller) undoPlays(ctx context.Context, list []book.Play, u *Undone) error {
	held, err := p.follow(ctx, list)
	if err != nil {
		return err
	}
	type second struct {
		scene int
		at    int64
	}
	left := make(map[second]int) // plays that Stash still has
	var remove []book.Play
	for i := range list {
		one := &list[i]
		at := second{one.SceneID, one.ViewedAt.Unix()}
		has := count(held.Found[one.SceneID], one.ViewedAt)
		if _, known := left[at]; !known {
			left[at] = has
		}
		switch {
		case one.State == book.Undoing && has < one.Had: // the process ended before it could note this
			one.State = book.Undone
			u.Plays++
		case one.State == book.Writing && has <= one.Had: // it was never written
			one.State, one.WrittenAt = book.Past, time.Time{}
		case left[at] == 0:
			one.State = book.Undone
			u.Gone++
		default:
			left[at]--
			one.State, one.Had = book.Undoing, has
			remove = append(remove, *one)
		}
	}
	if err := p.book().Put(ctx, list); err != nil {
		return err
	}
	return p.remove(ctx, remove, u)
}

// remove deletes plays that are noted as being deleted.
func (p *Puller) remove(ctx context.Context, list []book.Play, u *Undone) error {
	for chunk := range slices.Chunk(scenesOf(list), stashapi.MaxPlays) {
		times := make(map[int][]time.Time)
		var sent []book.Play
		for _, one := range list {
			if slices.Contains(chunk, one.SceneID) {
				times[one.SceneID] = append(times[one.SceneID], one.ViewedAt)
				one.State = book.Undone
				sent = append(sent, one)
			}
		}
		failed, err := p.Stash.DeletePlays(ctx, times)
		if err != nil {
			return p.stash(ctx, err)
		}
		sent = slices.DeleteFunc(sent, func(one book.Play) bool { return failed[one.SceneID] != nil })
		if err := p.book().Put(ctx, sent); err != nil {
			return err
		}
		u.Plays += len(sent)
		for _, err := range failed {
			return p.stash(ctx, err)
		}
	}
	return nil
}

// follow reads the plays that Stash has of the scenes. In place of a scene that is gone it takes the one that has its file
// now: plays move with the file when scenes are merged.
func (p *Puller) follow(ctx context.Context, list []book.Play) (stashapi.Activities, error) {
	held, err := p.Stash.Activities(ctx, scenesOf(list))
	if err != nil {
		return held, p.stash(ctx, err)
	}
	for _, err := range held.Failed { // whether its plays are there is not known
		return held, p.stash(ctx, err)
	}
	if len(held.Missing) == 0 {
		return held, nil
	}
	var keys []string
	for _, one := range list {
		if slices.Contains(held.Missing, one.SceneID) {
			keys = append(keys, one.RatingKey)
		}
	}
	scenes, err := p.book().Scenes(ctx, keys)
	if err != nil {
		return held, err
	}
	for i, one := range list {
		if now := scenes[one.RatingKey]; now != 0 && slices.Contains(held.Missing, one.SceneID) {
			list[i].SceneID = now
		}
	}
	held, err = p.Stash.Activities(ctx, scenesOf(list))
	if err != nil {
		return held, p.stash(ctx, err)
	}
	return held, nil
}

func (p *Puller) undoResumes(ctx context.Context, since time.Time, u *Undone) error {
	for before := int64(0); ; {
		list, err := p.book().Standing(ctx, since, before, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, w := range list {
			before = w.ID
			if err := p.undoResume(ctx, w, u); err != nil {
				return err
			}
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
}

func (p *Puller) undoResume(ctx context.Context, w book.Write, u *Undone) error {
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
	return p.book().Undo(ctx, w.ID, time.Now())
}
