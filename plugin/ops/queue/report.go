package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
)

// rowBytes is how long the details of the rows of one answer are at most, in bytes of JSON. Reasons repeat some of them.
const rowBytes = 400_000

// noReport is the state of a kind of which no report is stored.
const noReport = "none"

// ReportHead is the head of a stored report.
type ReportHead struct {
	ID         int64           `json:"id"`
	Kind       string          `json:"kind"`
	SceneID    int             `json:"scene_id"` // 0: all scenes
	State      string          `json:"state"`
	Stopped    string          `json:"stopped"`
	StartedAt  *time.Time      `json:"started_at"`
	UpdatedAt  *time.Time      `json:"updated_at"`
	FinishedAt *time.Time      `json:"finished_at"`
	Counts     json.RawMessage `json:"counts"`
	Capped     bool            `json:"capped"`
	Outcome    string          `json:"outcome"` // of the restore that confirmed a dry run
}

// ReportRow is one row of a stored report.
type ReportRow struct {
	SceneID int             `json:"scene_id"`
	Kind    string          `json:"kind"`
	Title   string          `json:"title"`
	Details json.RawMessage `json:"details"`
	Reason  *desk.Reason    `json:"reason,omitempty"` // of a scene or item that is not, or would not be, pushed or restored
}

// ReportPage is a stored report with a page of its rows.
type ReportPage struct {
	ReportHead
	Rows []ReportRow `json:"rows"`
	Next int64       `json:"next"` // args.cursor of the next page; 0 if there is none
}

func headOf(r report.Report) ReportHead {
	return ReportHead{
		ID: r.ID, Kind: r.Kind, SceneID: r.SceneID, State: r.State, Stopped: r.Stopped,
		StartedAt: desk.When(r.Started), UpdatedAt: desk.When(r.Updated), FinishedAt: desk.When(r.Finished), Counts: r.Counts, Capped: r.Capped, Outcome: r.Outcome,
	}
}

// reports returns the heads of all reports.
func reports(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	db, err := d.Reports(ctx)
	if err != nil {
		return nil, err
	}
	list, err := db.List(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	heads := make([]ReportHead, len(list))
	for i, r := range list {
		heads[i] = headOf(r)
	}
	return map[string]any{"items": heads}, nil
}

// reportRows returns the head of a report and a page of its rows.
func reportRows(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := args.Number("id", 1, 1<<53, 0)
	if err != nil {
		return nil, err
	}
	kind := ""
	if args.Given("kind") {
		if kind, err = args.OneOf("kind", report.Kinds()...); err != nil {
			return nil, err
		}
	}
	rows, err := args.Text("rows")
	if err != nil {
		return nil, err
	}
	cursor, err := args.Number("cursor", 0, 1<<53, 0)
	if err != nil {
		return nil, err
	}
	limit, err := args.Number("limit", 1, desk.PageAtMost, desk.PageUsual)
	if err != nil {
		return nil, err
	}
	if (id == 0) == (kind == "") {
		return nil, fmt.Errorf("give either args.id or args.kind (%s)", strings.Join(report.Kinds(), ", "))
	}
	db, err := d.Reports(ctx)
	if err != nil {
		return nil, err
	}
	var r report.Report
	var ok bool
	if id != 0 {
		r, ok, err = db.ByID(ctx, d.Now(), int64(id))
	} else {
		r, ok, err = db.Latest(ctx, d.Now(), kind)
	}
	if err != nil {
		return nil, err
	}
	if !ok && id == 0 {
		none := ReportHead{Kind: kind, State: noReport, Counts: json.RawMessage("{}")}
		return ReportPage{ReportHead: none, Rows: []ReportRow{}}, nil
	}
	if !ok {
		return nil, errors.New("there is no such report; reports are kept for 7 days, the last two of each kind")
	}
	list, next, err := db.Rows(ctx, r.ID, rows, int64(cursor), limit, rowBytes)
	if err != nil {
		return nil, err
	}
	return reportPage(ctx, d, r, list, next), nil
}

// reasonIn returns the reason that the details of a row hold; nil if there is none.
func reasonIn(details json.RawMessage) *desk.Reason {
	var d struct {
		Class, Reason, Why string
		Because            json.RawMessage
	}
	if json.Unmarshal(details, &d) != nil { // details of another form have no reason
		return nil
	}
	return desk.ReasonOf(d.Class, string(d.Because), d.Reason+d.Why)
}

// reportPage returns a page with the titles that the report does not hold.
func reportPage(ctx context.Context, d *desk.Desk, r report.Report, list []report.Row, next int64) ReportPage {
	page := ReportPage{ReportHead: headOf(r), Rows: make([]ReportRow, len(list)), Next: next}
	var untitled []int
	for i, row := range list {
		page.Rows[i] = ReportRow{row.SceneID, row.Kind, row.Title, row.Details, reasonIn(row.Details)}
		if row.Title == "" && row.SceneID != 0 {
			untitled = append(untitled, row.SceneID)
		}
	}
	titles := d.Titles(ctx, untitled)
	for i, row := range page.Rows {
		if row.Title == "" {
			page.Rows[i].Title = titles[row.SceneID]
		}
	}
	return page
}
