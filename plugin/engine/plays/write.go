package plays

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

const (
	tries     = 5                // how often Stash may refuse a play, or not have its scene, or Plex not its item
	sameSight = time.Minute      // rows of different items of one scene within this are one play
	wait      = 10 * time.Minute // how long a play waits whose scene or item is gone, at first, or whose item shows another file
	inFlight  = time.Minute      // how long a request may still arrive in Stash after its process has ended
)

// write adds the plays that have a scene to Stash, in batches.
func (p *Puller) write(ctx context.Context, sum *Summary) error {
	if err := p.book().Match(ctx); err != nil {
		return err
	}
	for {
		list, err := p.book().Work(ctx, time.Now(), batch)
		if err != nil || len(list) == 0 {
			return err
		}
		if list, err = p.verify(ctx, list, sum); err != nil {
			return err
		}
		if err := p.writeBatch(ctx, list, sum); err != nil {
			return err
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
}

// writeBatch notes what it is about to write, writes it, and notes that it is written.
func (p *Puller) writeBatch(ctx context.Context, list []book.Play, sum *Summary) error {
	held, err := p.Stash.Activities(ctx, scenesOf(list))
	if err != nil {
		return p.stash(ctx, err)
	}
	near, err := p.book().Near(ctx, list, sameSight)
	if err != nil {
		return err
	}
	var add []book.Play
	for i := range list {
		one := &list[i]
		scene := one.SceneID
		if p.decide(one, held, near[scene], sum); one.State == book.Writing && one.SceneID != 0 && one.Class == "" {
			one.WrittenAt, one.DueAt = time.Now(), time.Now().Add(inFlight)
			add = append(add, *one)
			near[scene] = append(near[scene], *one)
		}
	}
	if err := p.book().Put(ctx, list); err != nil {
		return err
	}
	return p.add(ctx, add, sum)
}

// decide says what becomes of a play, given what Stash holds and the plays of its scene around that time.
func (p *Puller) decide(one *book.Play, held stashapi.Activities, near []book.Play, sum *Summary) {
	a, found := held.Found[one.SceneID]
	if !found {
		if err := held.Failed[one.SceneID]; err != nil {
			p.charge(one, err)
			sum.Refused++
			return
		}
		gone(one, reason.GoneFromStash(), sum)
		return
	}
	same := count(a, one.ViewedAt)
	one.Reason, one.Class, one.Error = "", "", ""
	switch {
	case one.State == book.Writing && same > one.Had: // the process ended before it could note this
		one.State = book.Written
		sum.Written++
	case one.State == book.New && same > 0, slices.ContainsFunc(near, func(other book.Play) bool { return isSame(*one, other) }):
		one.State, one.Reason = book.Skipped, reason.PlayKnown().JSON()
		sum.Skipped++
	default:
		one.State, one.Had = book.Writing, same
	}
}

// gone handles a play whose scene Stash does not have, or whose item Plex does not have. It is looked for again, since after
// a merge the item soon is another scene's, and one answer of "not found" proves nothing.
func gone(one *book.Play, why reason.Reason, sum *Summary) {
	one.SceneID, one.DueAt, one.Reason = 0, time.Now().Add(wait<<one.Attempts), why.JSON()
	if one.Attempts++; one.Attempts >= tries {
		one.State = book.Skipped
		sum.Skipped++
	}
}

// count returns how many plays Stash has at a second.
func count(a stashapi.Activity, second time.Time) (n int) {
	for _, at := range a.Plays {
		if at.Equal(second) {
			n++
		}
	}
	return n
}

// isSame reports whether another row is the same play of a scene: at the same second, or by another item of the scene at
// about the same time. The same clip may be watched twice within a minute.
func isSame(one, other book.Play) bool {
	if one.HistoryKey == other.HistoryKey && one.ViewedAt.Equal(other.ViewedAt) && one.Account == other.Account {
		return false
	}
	apart := one.ViewedAt.Sub(other.ViewedAt).Abs()
	return apart == 0 || one.RatingKey != other.RatingKey && one.Account == other.Account && apart <= sameSight
}

// add writes plays that are noted as being written.
func (p *Puller) add(ctx context.Context, list []book.Play, sum *Summary) error {
	for chunk := range slices.Chunk(scenesOf(list), stashapi.MaxPlays) {
		times := make(map[int][]time.Time)
		var sent []book.Play
		for _, one := range list {
			if slices.Contains(chunk, one.SceneID) {
				times[one.SceneID] = append(times[one.SceneID], one.ViewedAt)
				sent = append(sent, one)
			}
		}
		failed, err := p.Stash.AddPlays(ctx, times)
		if err != nil { // a later pull finds out what Stash got
			return p.stash(ctx, err)
		}
		for i := range sent {
			one := &sent[i]
			if err := failed[one.SceneID]; err != nil {
				one.State = book.New
				p.charge(one, err)
				sum.Refused++
				continue
			}
			one.State, one.DueAt = book.Written, time.Time{}
			sum.Written++
		}
		if err := p.book().Put(ctx, sent); err != nil {
			return err
		}
	}
	return nil
}

// charge notes that Stash refused a play, and when to try again.
func (p *Puller) charge(one *book.Play, err error) {
	one.Attempts++
	one.Class, one.Error, one.Reason = string(retry.ClassTemporary), err.Error(), reason.StashRefuses().JSON()
	if one.Attempts >= tries {
		one.State = book.Dead
		return
	}
	one.DueAt = time.Now().Add(retry.TemporaryPolicy(tries).Backoff(one.Attempts, p.Random()))
}

func scenesOf(list []book.Play) []int {
	ids := make([]int, len(list))
	for i, one := range list {
		ids[i] = one.SceneID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
