package plexindex

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

func TestPagesSmallerThanRequestedAreRead(t *testing.T) {
	for _, most := range []int{1, 2, 7} {
		for _, total := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d rows, total %v", most, total), func(t *testing.T) {
				l := newReaderLab(t, 50)
				l.List = changing{lister: l.plex, answer: func(_ plexapi.ListQuery, p plexapi.Page) plexapi.Page {
					p.Rows = p.Rows[:min(most, len(p.Rows))]
					p.Received = len(p.Rows)
					if !total {
						p.TotalSize = -1
					}
					return p
				}}.List
				l.must(l.refresh())
				l.wantHeld()
				if l.reading().CompleteAt.IsZero() {
					t.Error("it is not complete")
				}
			})
		}
	}
}

func TestJobsAreWokenBeforeThePageIsStored(t *testing.T) {
	l := newReaderLab(t, 300)
	reported := make(map[string]int)
	fail := true
	l.OnNew = func(ctx context.Context, files []File) error {
		for _, f := range files {
			if held, err := l.Index.ByPath(ctx, "S", f.Path, false); err != nil || len(held) > 0 {
				t.Errorf("%s was stored first", f.Path)
			}
			reported[f.Path]++
		}
		if fail {
			return context.DeadlineExceeded
		}
		return nil
	}
	if err := l.refresh(); err == nil {
		t.Error("the error of OnNew was ignored")
	}
	fail = false
	l.must(l.refresh())
	if len(reported) != 300 || reported["/v/0.mp4"] != 2 || reported["/v/299.mp4"] != 1 {
		t.Errorf("OnNew got %d files, the first %d times, the last %d times", len(reported), reported["/v/0.mp4"], reported["/v/299.mp4"])
	}
}

func TestNewFilesAreReportedOnlyWhenAwaited(t *testing.T) {
	l := newReaderLab(t, 3)
	reported, waited := 0, false
	l.OnNew = func(_ context.Context, files []File) error {
		reported += len(files)
		return nil
	}
	l.Awaited = func(context.Context) (bool, error) { return waited, nil }
	l.must(l.refresh())
	waited = true
	l.plex.rows = append(l.plex.rows, rowOf(3))
	l.now = l.now.Add(RereadAfter)
	l.must(l.refresh())
	l.wantHeld()
	if reported != 1 {
		t.Errorf("OnNew got %d files, want the awaited one", reported)
	}
}

func TestNextPageIsFetchedWhileThePreviousIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReaderLab(t, PageSize+50)
		second := make(chan struct{})
		l.Reader.List = changing{lister: l.plex, after: map[int]func(*lister){2: func(*lister) { close(second) }}}.List
		l.OnNew = func(context.Context, []File) error {
			select {
			case <-second:
				return nil
			case <-time.After(time.Minute):
				return errors.New("the next page is not fetched before this one is stored")
			}
		}
		l.must(l.refresh())
		l.wantHeld()
	})
}

// A page that cannot be stored ends the listing, and the next one lists it again.
func TestPanicWhileStoringEndsOnlyTheListing(t *testing.T) {
	l := newReaderLab(t, 300)
	l.OnNew = func(context.Context, []File) error { panic("on purpose") }
	if err := l.refresh(); err == nil || !strings.Contains(err.Error(), "a bug: on purpose") {
		t.Errorf("Refresh = %v", err)
	}
	l.OnNew = nil
	l.must(l.refresh())
}

func TestUnstoredPageIsListedAgain(t *testing.T) {
	for _, fails := range []bool{false, true} {
		l := newReaderLab(t, 3*PageSize)
		broken := errors.New("broken")
		reported := 0
		l.OnNew = func(context.Context, []File) error {
			if reported++; reported == 2 {
				return broken
			}
			return nil
		}
		l.Reader.List = changing{lister: l.plex, answer: func(q plexapi.ListQuery, p plexapi.Page) plexapi.Page {
			if fails && l.plex.pages == 3 {
				p = plexapi.Page{TotalSize: 1}
			}
			return p
		}}.List
		if err := l.refresh(); !errors.Is(err, broken) {
			t.Errorf("the reading ended with %v", err)
		}
		l.must(l.refresh())
		l.wantHeld()
	}
}
