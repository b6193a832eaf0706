package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.UnixMilli(1_800_000_000_000)

// bench is a data folder with an open file of reports.
type bench struct {
	*testing.T
	dir string
	db  *DB
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir()}
	b.reopen()
	t.Cleanup(func() { b.db.Close() })
	return b
}

func (b *bench) reopen() {
	b.Helper()
	if b.db != nil {
		b.db.Close()
	}
	var err error
	b.db, err = Open(b.Context(), b.dir)
	b.must(err)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) start(at time.Time, kind string, id int64) *Writer {
	b.Helper()
	w, err := b.db.Start(b.Context(), at, kind, 0, id)
	b.must(err)
	return w
}

type position struct{ After int }

// page stores findings of one kind about scenes.
func (b *bench) page(w *Writer, kind string, from, to int) {
	b.Helper()
	var list []Finding
	for id := from; id <= to; id++ {
		list = append(list, Finding{id, kind, fmt.Sprint("Scene ", id), map[string]int{"size": id}})
	}
	b.must(w.Put(b.Context(), noon, Page{Findings: list, Counts: map[string]int{"scenes": to}, Position: position{to}}))
}

func (b *bench) latest(kind string) Report {
	b.Helper()
	r, ok, err := b.db.Latest(b.Context(), noon, kind)
	b.must(err)
	if !ok {
		b.Fatalf("there is no report of kind %s", kind)
	}
	return r
}

func (b *bench) rows(id int64, kind string) []Row {
	b.Helper()
	var all []Row
	for after := int64(0); ; {
		list, next, err := b.db.Rows(b.Context(), id, kind, after, 3, 1<<20)
		b.must(err)
		all = append(all, list...)
		if next == 0 {
			return all
		}
		after = next
	}
}

func TestReportIsReadableWhileItsTaskIsAtWork(t *testing.T) {
	b := newBench(t)
	w := b.start(noon, Preview, 0)
	defer w.Close()
	b.page(w, "failed", 1, 2)
	b.page(w, "bare", 3, 7)
	r := b.latest(Preview)
	if r.State != Running || string(r.Counts) != `{"scenes":7}` || r.Capped || !r.Started.Equal(noon) || !r.Finished.IsZero() {
		t.Errorf("the head is %+v", r)
	}
	if all, some := b.rows(r.ID, ""), b.rows(r.ID, "bare"); len(all) != 7 || len(some) != 5 || some[0].SceneID != 3 || string(some[4].Details) != `{"size":7}` || some[0].Title != "Scene 3" {
		t.Errorf("all %+v, some %+v", all, some)
	}
	b.must(w.Finish(t.Context(), noon.Add(time.Minute), ""))
	if r = b.latest(Preview); r.State != Done || r.Finished.IsZero() || string(r.Counts) != `{"scenes":7}` {
		t.Errorf("the head is %+v", r)
	}
}

func TestKilledTaskIsContinuedWithTheSameReport(t *testing.T) {
	whole := newBench(t)
	w := whole.start(noon, Gaps, 0)
	whole.page(w, "weak", 1, 4)
	whole.page(w, "weak", 5, 9)
	whole.must(w.Finish(t.Context(), noon, ""))

	b := newBench(t)
	first := b.start(noon, Gaps, 0)
	b.must(first.Put(t.Context(), noon, Page{Counts: 0, Position: position{}, Notes: map[int64]int64{7: 2, 8: 1}}))
	b.page(first, "weak", 1, 4)
	b.must(first.Close()) // as the kernel does
	if r := b.latest(Gaps); r.State != Stopped || r.Stopped != killed {
		t.Errorf("a killed report is %+v", r)
	}
	b.reopen()
	second := b.start(noon, Gaps, first.ID)
	defer second.Close()
	var at position
	var counts map[string]int
	if ok, err := second.Resume(&at, &counts); err != nil || !ok || at.After != 4 || counts["scenes"] != 4 || second.ID != first.ID {
		t.Errorf("resumed at %+v with %v: %v, %v", at, counts, ok, err)
	}
	b.must(second.Put(t.Context(), noon, Page{Counts: counts, Position: at, Notes: map[int64]int64{7: 1, 9: 2}}))
	if notes, err := second.Notes(t.Context(), []int64{7, 8, 10}); err != nil || !reflect.DeepEqual(notes, map[int64]int64{7: 1, 8: 1}) {
		t.Errorf("notes %v, %v", notes, err)
	}
	b.page(second, "weak", 5, 9)
	b.must(second.Finish(t.Context(), noon, ""))
	if notes, err := second.Notes(t.Context(), []int64{7, 8, 9}); err != nil || len(notes) != 0 {
		t.Errorf("notes %v, %v remain", notes, err)
	}
	got, want := b.latest(Gaps), whole.latest(Gaps)
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(b.rows(got.ID, ""), whole.rows(want.ID, "")) {
		t.Errorf("continued: %+v\n%+v\nwant: %+v\n%+v", got, b.rows(got.ID, ""), want, whole.rows(want.ID, ""))
	}
	b.must(second.Close())
	for name, id := range map[string]int64{"finished": got.ID, "older": got.ID - 1} {
		if _, err := b.db.Start(t.Context(), noon, Gaps, 0, id); !errors.Is(err, ErrOver) {
			t.Errorf("a report that is %s: %v", name, err)
		}
	}
}

func TestOneTaskOfEachKindAtATime(t *testing.T) {
	b := newBench(t)
	w := b.start(noon, Preview, 0)
	other, err := Open(t.Context(), b.dir)
	b.must(err)
	defer other.Close()
	if _, err := other.Start(t.Context(), noon, Preview, 0, 0); !errors.Is(err, ErrRunning) {
		t.Errorf("a second task: %v", err)
	}
	if _, err := other.Start(t.Context(), noon, Preview, 0, w.ID); !errors.Is(err, ErrRunning) {
		t.Errorf("a second task that continues it: %v", err)
	}
	restore, err := other.Start(t.Context(), noon, Restore, 0, 0)
	b.must(err)
	b.must(restore.Close())
	b.must(w.Close())
	again := b.start(noon, Preview, 0)
	b.must(again.Close())
	if again.ID <= w.ID {
		t.Errorf("the ids are %d and %d", w.ID, again.ID)
	}
}

func TestRowsAreCappedAndCountsAreNot(t *testing.T) {
	b := newBench(t)
	w := b.start(noon, Gaps, 0)
	b.page(w, "weak", 1, RowsAtMost-5)
	if b.latest(Gaps).Capped {
		t.Error("capped too early")
	}
	b.must(w.Close())
	w = b.start(noon, Gaps, w.ID)
	defer w.Close()
	b.page(w, "weak", RowsAtMost-4, RowsAtMost+20)
	b.page(w, "ambiguous", 1, 3)
	var n, kinds int
	b.must(b.db.db.QueryRow(`SELECT COUNT(*), COUNT(DISTINCT kind) FROM finding`).Scan(&n, &kinds))
	if r := b.latest(Gaps); !r.Capped || n != RowsAtMost+3 || kinds != 2 || string(r.Counts) != `{"scenes":3}` {
		t.Errorf("%d rows of %d kinds: %+v", n, kinds, r)
	}
}

func TestReportsExpire(t *testing.T) {
	b := newBench(t)
	for i := range 4 {
		w := b.start(noon.Add(time.Duration(i)*time.Hour), Preview, 0)
		b.page(w, "failed", 1, 2)
		b.must(w.Close())
	}
	w := b.start(noon, Gaps, 0)
	b.page(w, "weak", 1, 1)
	b.must(w.Close())
	list, err := b.db.List(t.Context(), noon)
	b.must(err)
	var rows int
	b.must(b.db.db.QueryRow(`SELECT COUNT(*) FROM finding`).Scan(&rows))
	if len(list) != 3 || rows != 5 || list[0].ID < list[1].ID {
		t.Errorf("%d reports and %d rows: %+v", len(list), rows, list)
	}
	late := noon.Add(keptFor)
	if list, err := b.db.List(t.Context(), late); err != nil || len(list) != 0 { // each was last changed at noon
		t.Errorf("after 7 days: %+v, %v", list, err)
	}
	if _, ok, err := b.db.ByID(t.Context(), late, list[0].ID); ok || err != nil {
		t.Errorf("an expired report is shown: %v", err)
	}
	b.must(b.start(late, Restore, 0).Close())
	b.must(b.db.db.QueryRow(`SELECT COUNT(*) FROM finding`).Scan(&rows))
	if rows != 0 {
		t.Errorf("%d expired rows", rows)
	}
}

func TestDamagedFileIsReplaced(t *testing.T) {
	damage := func(b *bench, from int64) {
		b.Helper()
		b.must(b.db.Close())
		f, err := os.OpenFile(filepath.Join(b.dir, File), os.O_RDWR, 0)
		b.must(err)
		info, err := f.Stat()
		b.must(err)
		_, err = f.WriteAt([]byte(strings.Repeat("damage! ", int(info.Size()-from)/8)), from)
		b.must(errors.Join(err, f.Close()))
	}
	fill := func(b *bench) int64 {
		b.Helper()
		w := b.start(noon, Preview, 0)
		b.page(w, "failed", 1, 500)
		b.must(w.Close())
		return w.ID
	}
	t.Run("when it is opened", func(t *testing.T) {
		b := newBench(t)
		fill(b)
		damage(b, 0)
		b.reopen()
		if list, err := b.db.List(t.Context(), noon); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("when it is read", func(t *testing.T) {
		b := newBench(t)
		id := fill(b)
		damage(b, 7*4096) // behind the heads
		b.reopen()
		_, _, err := b.db.Rows(t.Context(), id, "", 0, 1000, 1<<20)
		if err == nil || !strings.Contains(err.Error(), "start the task again") {
			t.Fatalf("the error is %v", err)
		}
		b.reopen()
		fill(b)
	})
	t.Run("of another version", func(t *testing.T) {
		b := newBench(t)
		fill(b)
		_, err := b.db.db.Exec("PRAGMA user_version = 99")
		b.must(err)
		b.reopen()
		fill(b)
	})
}

func TestDeletedFileEndsTheTaskWithASentence(t *testing.T) {
	b := newBench(t)
	w := b.start(noon, Gaps, 0)
	b.page(w, "weak", 1, 1)
	b.must(os.Remove(filepath.Join(b.dir, File)))
	for _, again := range []bool{false, true} {
		if again { // another process has made a new file
			other, err := Open(t.Context(), b.dir)
			b.must(err)
			defer other.Close()
		}
		if err := w.Put(t.Context(), noon, Page{}); !errors.Is(err, ErrLost) {
			t.Errorf("a page: %v", err)
		}
		if err := w.Finish(t.Context(), noon, ""); !errors.Is(err, ErrLost) {
			t.Errorf("the end: %v", err)
		}
	}
	b.must(w.Close())
	b.reopen()
	w = b.start(noon, Gaps, w.ID) // it begins anew
	defer w.Close()
	var at position
	if ok, err := w.Resume(&at, &at); ok || err != nil {
		t.Errorf("it was continued at %+v: %v", at, err)
	}
}

func TestLongValuesAreCutAndAnswersStayShort(t *testing.T) {
	b := newBench(t)
	w := b.start(noon, Preview, 0)
	defer w.Close()
	w.Hide = func(s string) string { return strings.ReplaceAll(s, "token-123", "***") }
	long := strings.Repeat("\U0001F3AC\x01", 20_000)
	var list []Finding
	for _, details := range []any{
		long,
		[]string{long, long},
		map[string]any{"a": []any{long, map[string]string{"b": long}}},
		strings.Split(strings.Repeat("x ", 5_000), " "),
		"a token-123 in a text",
		map[string]any{strings.Repeat("k", 5_000): 1},
	} {
		list = append(list, Finding{1, "failed", "token-123 " + long, details})
	}
	b.must(w.Put(t.Context(), noon, Page{Findings: list}))
	rows := b.rows(w.ID, "")
	for i, r := range rows {
		if !json.Valid(r.Details) || len(r.Details) > detailsAtMost || len([]rune(r.Title)) > titleAtMost {
			t.Errorf("row %d: %d bytes of details, title %q", i, len(r.Details), r.Title)
		}
		if strings.Contains(string(r.Details)+r.Title, "token-123") {
			t.Errorf("row %d has the secret: %s", i, r.Details)
		}
	}
	if weight("<&\u2028ab") < len(`"\u003c\u0026\u2028ab"`)-2 {
		t.Error("what JSON escapes is not counted")
	}
	if first, next, err := b.db.Rows(t.Context(), w.ID, "", 0, 200, 4_000); err != nil || len(first) == 0 || len(first) == len(rows) || next != first[len(first)-1].Number {
		t.Errorf("a page of 4 kB has %d of %d rows, next %d, %v", len(first), len(rows), next, err)
	}
}
