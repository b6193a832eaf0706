package stashapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Activity is what Stash notes of the playing of a scene.
type Activity struct {
	ID     int
	Plays  []time.Time // in UTC, the newest first; the same second may occur more than once
	Resume float64     // seconds; 0: from the beginning
}

// LastPlayed returns the time of the newest play; zero if there is none.
func (a Activity) LastPlayed() time.Time {
	if len(a.Plays) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(a.Plays, time.Time.Compare)
}

// Activities is the activity of each requested scene.
type Activities struct {
	Found   map[int]Activity
	Missing []int         // Stash has no such scene
	Failed  map[int]error // Stash cannot read this scene
}

// MaxPlays is the number of scenes to which one call of AddPlays or DeletePlays may apply.
const MaxPlays = 50

// Activities reads the activity of scenes, 50 in one query. It returns an error only if Stash itself is unavailable or
// refuses a complete query.
func (c *Client) Activities(ctx context.Context, ids []int) (Activities, error) {
	result := Activities{Found: make(map[int]Activity), Failed: make(map[int]error)}
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), MaxPlays) {
		d := document{op: "read the plays of", kind: "query", name: "Activities", field: "findScene(id: $i%[1]d) { id play_history resume_time }"}
		for _, id := range chunk {
			d.add(id)
		}
		answers, failed, err := c.each(ctx, d)
		if err != nil {
			return result, err
		}
		maps.Copy(result.Failed, failed)
		for id, answer := range answers {
			a, err := readActivity(id, answer)
			switch {
			case err != nil:
				return result, unexpected(d.op+" scenes", err.Error())
			case a.ID == 0:
				result.Missing = append(result.Missing, id)
			default:
				result.Found[id] = a
			}
		}
	}
	slices.Sort(result.Missing)
	return result, nil
}

// readActivity reads the activity of a scene. The id of the result is 0 if Stash has no such scene.
func readActivity(id int, answer json.RawMessage) (Activity, error) {
	var scene *struct {
		ID     string      `json:"id"`
		Plays  []time.Time `json:"play_history"`
		Resume *float64    `json:"resume_time"`
	}
	if err := json.Unmarshal(answer, &scene); err != nil {
		return Activity{}, errors.New("a scene has an unexpected form")
	}
	if scene == nil {
		return Activity{}, nil
	}
	if id <= 0 || atoi(scene.ID) != id {
		return Activity{}, errors.New("the answer is another scene")
	}
	a := Activity{ID: id}
	for _, at := range scene.Plays {
		a.Plays = append(a.Plays, at.UTC())
	}
	if scene.Resume != nil {
		a.Resume = *scene.Resume
	}
	return a, nil
}

// AddPlays adds plays to at most MaxPlays scenes, by their ids, in one request. Stash keeps whole seconds and adds a time
// again that it already has. failed has the scenes that Stash refuses; the plays of the others were added. With err it
// is unknown which plays were added.
func (c *Client) AddPlays(ctx context.Context, plays map[int][]time.Time) (failed map[int]error, err error) {
	return c.plays(ctx, document{op: "add plays to", kind: "mutation", name: "AddPlays", field: "sceneAddPlay(id: $i%[1]d, times: $t%[1]d) { count }"}, plays)
}

// DeletePlays deletes one play for each time, from at most MaxPlays scenes, in one request. A time that Stash does not
// have, or a scene that is gone, is no failure. The results are those of AddPlays.
func (c *Client) DeletePlays(ctx context.Context, plays map[int][]time.Time) (failed map[int]error, err error) {
	return c.plays(ctx, document{op: "delete plays of", kind: "mutation", name: "DeletePlays", field: "sceneDeletePlay(id: $i%[1]d, times: $t%[1]d) { count }"}, plays)
}

func (c *Client) plays(ctx context.Context, d document, plays map[int][]time.Time) (map[int]error, error) {
	if len(plays) > MaxPlays {
		return nil, &Error{Op: d.op + " scenes", Err: fmt.Errorf("one request is for up to %d scenes, not %d", MaxPlays, len(plays))}
	}
	for _, id := range slices.Sorted(maps.Keys(plays)) {
		if len(plays[id]) == 0 { // Stash would take the present time, or the newest play
			return nil, &Error{Op: d.op + " scenes", Err: fmt.Errorf("no times for scene %d", id)}
		}
		d.add(id, plays[id]...)
	}
	_, failed, err := c.each(ctx, d)
	return failed, err
}

// SaveResume sets where to resume a scene, in seconds; 0: at its beginning.
func (c *Client) SaveResume(ctx context.Context, id int, seconds float64) error {
	op := "set where to resume scene " + strconv.Itoa(id)
	res, err := SaveResume(ctx, c.gql, strconv.Itoa(id), seconds)
	if err != nil {
		return c.wrap(ctx, op, err)
	}
	if !res.SceneSaveActivity {
		return unexpected(op, "the answer is not that it is set")
	}
	return nil
}

// TrackActivity reports whether the user wants Stash to note plays, which is so until it is switched off.
func (c *Client) TrackActivity(ctx context.Context) (bool, error) {
	const op = "read whether Stash notes plays"
	res, err := UISettings(ctx, c.gql)
	if err != nil {
		return false, c.wrap(ctx, op, err)
	}
	if res.Configuration == nil {
		return false, unexpected(op, "the answer has no configuration")
	}
	track, set := res.Configuration.Ui["trackActivity"].(bool)
	return track || !set, nil
}

// A document is a request with one field for each of several scenes. Its text depends only on their number, so that
// Stash, which keeps the last 1,000 texts, does not keep one for each request.
type document struct {
	op         string // what "scenes" completes, such as "add plays to"
	kind, name string
	field      string // with %[1]d in place of the number of the scene
	ids        []int
	times      [][]time.Time
}

func (d *document) add(id int, times ...time.Time) {
	d.ids, d.times = append(d.ids, id), append(d.times, times)
}

// request returns the document with its variables.
func (d *document) request() *graphql.Request {
	var head, body strings.Builder
	variables := make(map[string]any)
	for i, id := range d.ids {
		fmt.Fprintf(&head, "$i%d: ID!, ", i)
		variables[fmt.Sprintf("i%d", i)] = strconv.Itoa(id)
		if d.kind == "mutation" {
			times := make([]string, len(d.times[i]))
			for j, at := range d.times[i] {
				times[j] = at.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(&head, "$t%d: [Timestamp!]!, ", i)
			variables[fmt.Sprintf("t%d", i)] = times
		}
		fmt.Fprintf(&body, " s%[1]d: "+d.field, i)
	}
	text := fmt.Sprintf("%s %s(%s) { __typename%s }", d.kind, d.name, strings.TrimSuffix(head.String(), ", "), body.String())
	return &graphql.Request{OpName: d.name, Query: text, Variables: variables}
}

// each sends a document and returns the answer for each scene, or why Stash refuses it. Stash carries out each field on its
// own, but if it refuses a change of one scene, it omits all answers: then answers is empty.
func (c *Client) each(ctx context.Context, d document) (answers map[int]json.RawMessage, failed map[int]error, err error) {
	answers, failed = make(map[int]json.RawMessage), make(map[int]error)
	if len(d.ids) == 0 {
		return answers, failed, nil
	}
	var data map[string]json.RawMessage
	err = c.gql.MakeRequest(ctx, d.request(), &graphql.Response{Data: &data})
	refusals, refused := errors.AsType[gqlerror.List](err)
	if err != nil && !refused {
		return nil, nil, c.wrap(ctx, d.op+" scenes", err)
	}
	for _, one := range refusals {
		i := d.refused(one)
		if i < 0 { // the complete document
			return nil, nil, c.wrap(ctx, d.op+" scenes", err)
		}
		failed[d.ids[i]] = c.wrap(ctx, d.op+" scene "+strconv.Itoa(d.ids[i]), gqlerror.List{one})
	}
	if data == nil && refused && d.kind == "mutation" {
		return answers, failed, nil
	}
	if typename := string(data["__typename"]); typename == "" || typename == "null" { // taken for an answer, it would mean that every scene is missing
		return nil, nil, unexpected(d.op+" scenes", "the answer is not from Stash")
	}
	for i, id := range d.ids {
		answer, there := data[alias(i)]
		switch {
		case failed[id] != nil:
		case !there, d.kind == "mutation" && string(answer) == "null":
			return nil, nil, unexpected(d.op+" scene "+strconv.Itoa(id), "there is no answer for it")
		default:
			answers[id] = answer
		}
	}
	return answers, failed, nil
}

func alias(i int) string { return "s" + strconv.Itoa(i) }

// refused returns the number of the scene that an error concerns; -1 if it concerns the complete document.
func (d *document) refused(e *gqlerror.Error) int {
	if e == nil {
		return -1
	}
	name, _, _ := strings.Cut(e.Path.String(), ".")
	for i := range d.ids {
		if alias(i) == name {
			return i
		}
	}
	return -1
}
