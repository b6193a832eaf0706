package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// oneLine reports whether a text can be shown unchanged.
func oneLine(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= 300 && !strings.ContainsFunc(text, unicode.IsControl)
}

// idsIn returns the ids in a hook's context, in their order, its own first.
func idsIn(context map[string]any, merge bool) (ids []int) {
	var values []any
	switch in := context["input"].(type) {
	case map[string]any:
		name := "ids"
		if merge {
			name = "source"
		}
		if list, ok := in[name].([]any); ok {
			values = list
		} else {
			values = []any{in["id"]}
		}
	case []any:
		for _, v := range in {
			if object, ok := v.(map[string]any); ok {
				v = object["id"]
			}
			values = append(values, v)
		}
	}
	for _, v := range append([]any{context["id"]}, values...) {
		var text string
		switch v := v.(type) {
		case string:
			text = v
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		case json.Number:
			f, _ := strconv.ParseFloat(v.String(), 64)
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && n > 0 && n <= math.MaxInt32 && !slices.Contains(ids, int(n)) {
			ids = append(ids, int(n))
		}
	}
	return ids
}

// idsOfRecord returns the ids of a record, its own first.
func idsOfRecord(h store.HookRecord) (ids []int, event string, first bool) {
	if f := h.Fanout; f != nil {
		return append([]int{f.Own}, f.Others...), f.Event, f.First
	}
	ids = append(ids, h.Own.SceneID)
	for _, r := range h.Others {
		ids = append(ids, r.SceneID)
	}
	return ids, h.Event, h.First
}

// For any context of a hook: exactly its ids are recorded, all hooks of its event agree, and one line reports what
// cannot be read.
func FuzzHookPayload(f *testing.F) {
	for _, seed := range []string{
		`null`, `{"id":1,"type":"Scene.Update.Post","input":{"ids":["1",2]}}`, `{"id":1e300,"type":"Scene.Destroy.Post","input":[[{}]]}`,
		`{"id":1,"type":"Scene.Update.Post","input":{"id":"1","title":"x"},"inputFields":["title","id"]}`, `{"id":7,"type":"Scene.Create.Post","input":null}`,
		`{"id":4,"type":"Scene.Update.Post","input":[{"id":"4","title":null},{"id":"5"}],"inputFields":["id"]}`,
		`{"id":9,"type":"Scene.Destroy.Post","input":{"ids":["9"," 10 ","+11",12.0],"path":"/x","checksum":"a","oshash":"b"}}`,
		`{"id":5,"type":"Tag.Merge.Post","input":{"destination":"5","source":["6","7"]}}`, `{"id":"3","type":"Performer.Destroy.Post","input":["3","4","x"]}`,
		`{"type":"Studio.Update.Post","input":{"id":"8"}}`, `{"id":2147483648,"type":"Group.Update.Post","input":{"ids":[2147483647,-1,1.5]}}`,
		`{"id":1,"type":"Gallery\n.Update.Post"}`, `[1]`, `"x"`,
	} {
		f.Add(seed, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, sibling uint8) {
		var context any
		if json.Unmarshal([]byte(text), &context) != nil {
			return
		}
		h, handled, problem := hooks.Parse(context)
		if problem != "" && !oneLine(problem) {
			t.Errorf("problem %q", problem)
		}
		if h.Empty() && problem == "" || !handled && (!h.Empty() || problem == "") {
			t.Errorf("handled %v: %+v, problem %q", handled, h, problem)
		}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var object map[string]any
		if dec.Decode(&object) != nil || object == nil || !handled {
			return
		}
		event, _ := object["type"].(string)
		want := idsIn(object, event == hooks.TagMerge)
		ids, hash, _ := idsOfRecord(h)
		if len(want) == 0 {
			want = []int{0}
		}
		if h.Empty() {
			ids = []int{0}
		}
		if slices.Sort(ids[1:]); ids[0] != want[0] || !slices.Equal(ids, slices.Concat(want[:1], slices.Sorted(slices.Values(want[1:])))) {
			t.Errorf("%s: ids %v are recorded, want %v", text, ids, want)
		}
		if (hash != "") != (len(ids) > 1) || (h.Fanout == nil) != (strings.HasPrefix(event, "Scene.") || h.Empty()) {
			t.Errorf("%s: %+v", text, h)
		}
		checkStored(t, h)
		if self := want[int(sibling)%len(want)]; self != 0 && event != hooks.TagMerge {
			checkSibling(t, context.(map[string]any), self, h)
		}
	})
}

// checkSibling fails unless the hook of another id of the same event agrees with the first.
func checkSibling(t *testing.T, context map[string]any, self int, h store.HookRecord) {
	t.Helper()
	ids, hash, first := idsOfRecord(h)
	named := slices.Contains(idsIn(map[string]any{"input": context["input"]}, false), ids[0])
	context["id"] = float64(self)
	if in, ok := context["input"].(map[string]any); ok {
		in["path"] = "/elsewhere" // which is each hook's own
	}
	h, _, _ = hooks.Parse(context)
	others, otherHash, otherFirst := idsOfRecord(h)
	foreign := slices.ContainsFunc(others, func(id int) bool { return !slices.Contains(ids, id) })
	disagree := named && (otherHash != hash || len(others) != len(ids)) // one that the input does not name knows of itself alone
	if others[0] != self || foreign || disagree || self != ids[0] && first && otherFirst {
		t.Errorf("of one event: %v with hash %q and first %v, and the hook of %d: %v with %q, %v", ids, hash, first, self, others, otherHash, otherFirst)
	}
}

// checkStored fails unless a record is unchanged after it was in the inbox.
func checkStored(t *testing.T, h store.HookRecord) {
	text, err := json.Marshal(h)
	var stored store.HookRecord
	if err != nil || json.Unmarshal(text, &stored) != nil || !reflect.DeepEqual(h, stored) {
		t.Errorf("%+v is stored as %s, %v", h, text, err)
	}
}

// For settings of any type and value: each yields a valid value, or the default and a problem that says what to do, in
// one line and without the token.
func FuzzSettings(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"plexUrl":"http://plex:32400/web/index.html#!/x","plexToken":"secret-token","pathMap":"/a => /b; C:\\v\\=>//nas/v;","fields":"+collection,-tags","excludeTags":" A ,b,"}`,
		`{"plexUrl":"http://user:secret-token@plex/?X-Plex-Token=secret-token","plexToken":"secret-token","maxRetries":"1e2","timeoutSeconds":600,"insecureTLS":"Yes"}`,
		`{"plexUrl":["http://a"],"plexToken":{"a":"secret-token"},"pathMap":[" => ",{"a":1},"x=>y=>z"],"fields":[1,"secret-token\n\u0001",null],"plexLibraries":[["1"]],"debugLog":[]}`,
		`{"plexUrl":"https://[::1]:32400/base/","plexToken":" t ","fields":"titel,` + strings.Repeat("x", 400) + `","maxRetries":-0.0,"timeoutSeconds":"NaN","redactLogs":{}}`,
		`{"plexUrl":"HTTP://PLEX","plexToken":"Secret-Token","fields":"Secret-Token","pathMap":"secret-token;Secret-Token","plexurl":1,"enabled":true,"skipMissing":"secret-token"}`,
		`{"plexUrl":"http://plex:32400//a/../web?x#y","plexToken":"eyJ.a.b","pathMap":"` + strings.Repeat(";x", 100) + `","keepPlexEdits":1,"scanPlex":"off","onlyOrganized":0}`,
		`{"05plexUrl":"http://plex","plexUrl":"x","10plexToken":"secret-token","25fields":"secret-token","60maxRetries":null,"maxRetries":7,"45excludetags":"A"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var raw map[string]any
		if json.Unmarshal(text, &raw) != nil {
			return
		}
		s, err := settings.Parse(raw)
		bad := checkProblems(t, err, tokenOf(raw))
		checkServer(t, s, bad)
		if s.MaxRetries < 1 || s.MaxRetries > settings.MostRetries || s.Timeout < time.Second || s.Timeout > settings.LongestTimeout {
			t.Errorf("%d retries, %v", s.MaxRetries, s.Timeout)
		}
		for name := range s.Fields.Names {
			if !slices.Contains(merge.FieldNames(), name) {
				t.Errorf("field %q", name)
			}
		}
		for _, name := range slices.Concat(s.Libraries, s.ExcludeTags) {
			if strings.TrimSpace(name) != name || name == "" {
				t.Errorf("a name %q", name)
			}
		}
		for _, p := range s.PathMap {
			if p.From == "" || p.To == "" || p.From != pathform.Normal(p.From) || p.To != pathform.Normal(p.To) {
				t.Errorf("pair %+v", p)
			}
		}
		if again, _ := settings.Parse(raw); !reflect.DeepEqual(s, again) {
			t.Errorf("read twice: %+v and %+v", s, again)
		}
		for name, n := range bad {
			if slices.Contains(s.Unknown, name) || n > 1 && name != "pathMap" {
				t.Errorf("%d problems with %s; unknown are %q", n, name, s.Unknown)
			}
		}
	})
}

// tokenOf returns the token that is used.
func tokenOf(raw map[string]any) (token string) {
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(raw))) {
		if settings.Unnumbered(key) == "plexToken" && raw[key] != nil {
			token = settings.TextOf(raw[key])
		}
	}
	return token
}

// checkProblems fails unless each problem can be shown, and counts them by setting.
func checkProblems(t *testing.T, err error, token string) map[string]int {
	t.Helper()
	bad := make(map[string]int)
	for _, p := range settings.ProblemsOf(err) {
		bad[p.Setting]++
		if p.Remedy == "" || !oneLine(p.Remedy) || !oneLine(p.Value) || utf8.RuneCountInString(p.Value) > 61 {
			t.Errorf("%s: %q, %q", p.Setting, p.Value, p.Remedy)
		}
	}
	if err != nil {
		message := text.Plain(err.Error())
		if len(token) >= settings.TokenAtLeast && strings.Contains(message, token) || strings.ContainsFunc(message, unicode.IsControl) || len(message) > 8000 {
			t.Errorf("the message is %q", message)
		}
	}
	return bad
}

// checkServer fails unless address and token are either accepted by a client, or problems.
func checkServer(t *testing.T, s settings.Settings, bad map[string]int) {
	t.Helper()
	if (s.PlexURL == "") != (bad["plexUrl"] > 0) || (s.PlexToken == "") != (bad["plexToken"] > 0) || s.Fields.Empty() && bad["fields"] == 0 {
		t.Errorf("neither or both of a value and a problem: %+v, %v", s, bad)
	}
	if s.PlexURL == "" || s.PlexToken == "" {
		return
	}
	u, err := url.Parse(s.PlexURL)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Hostname() == "" || strings.HasSuffix(s.PlexURL, "/") {
		t.Errorf("plexUrl = %q, %v", s.PlexURL, err)
	}
	if _, err := plexapi.New(plexapi.Config{URL: s.PlexURL, Token: s.PlexToken}); err != nil {
		t.Errorf("the client refuses what the settings accept: %q, %v", s.PlexURL, err)
	}
	again, err := settings.Parse(map[string]any{"plexUrl": s.PlexURL, "plexToken": s.PlexToken})
	if err != nil || again.PlexURL != s.PlexURL || again.PlexToken != s.PlexToken {
		t.Errorf("%q is read again as %q, %v", s.PlexURL, again.PlexURL, err)
	}
}

// stashEnd is Stash's end of the pipe: its requests, and the answers.
type stashEnd struct {
	io.Reader
	bytes.Buffer
}

func (s *stashEnd) Read(b []byte) (int, error) { return s.Reader.Read(b) }
func (*stashEnd) Close() error                 { return nil }

// harmless reports whether requests of Stash can be run here, and returns the calls of Run in them: one that names a
// server would connect to it.
func harmless(sent []byte) (calls []common.PluginInput, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(sent))
	for {
		var call struct {
			Method string
			Params []common.PluginInput
		}
		if dec.Decode(&call) != nil {
			return calls, len(calls) <= 2
		}
		for _, in := range call.Params {
			if c := in.ServerConnection; c.Port > 0 && strings.HasPrefix(c.Scheme, "http") {
				return nil, false
			}
			if call.Method == "RPCRunner.Run" {
				calls = append(calls, in)
			}
		}
	}
}

// For any input: every answer is one of JSON-RPC, every line of the log is framed, neither contains the session's cookie,
// and a hook that succeeds has its job in the queue.
func FuzzRPC(f *testing.F) {
	run := func(conn, args string) []byte {
		return []byte(`{"method":"RPCRunner.Run","params":[{"server_connection":` + conn + `,"args":` + args + `}],"id":0}`)
	}
	const odd = `{"Scheme":"ftp","Host":"hunter2hunter2","Port":-1,"SessionCookie":{"Name":"session","Value":"hunter2hunter2"},"Dir":"\u0000"}`
	for _, sent := range [][]byte{
		nil, []byte(`{`), []byte(`[]`), []byte(`{"method":"RPCRunner.Stop","params":[null],"id":1}`), []byte(`{"method":"RPCRunner.Run","params":[],"id":"x"}`),
		[]byte(`{"method":"RPCRunner.Idle","params":[null],"id":2}{"method":null}`), []byte(`{"method":"RPCRunner.Run","params":[{"args":[]}],"id":3}`),
		run(`null`, `null`), run(odd, `{"mode":"hunter2hunter2"}`), run(`{}`, `{"mode":"status"}`), run(odd, `{"mode":"sync-scene","scene_id":"7"}`), run(`{}`, `{"mode":{"a":1},"task":1}`),
		run(odd, `{"hookContext":{"id":1,"type":"Scene.Update.Post","input":{"ids":["1","2"]}}}`), run(`{}`, `{"hookContext":null}`), run(odd, `{"hookContext":"hunter2hunter2\n\u0001e\u0002x"}`),
		append(run(`{}`, `{"hookContext":{"id":5,"type":"Scene.Create.Post","input":null}}`), []byte(`{"method":"RPCRunner.Stop","params":[null],"id":1}`)...),
		run(`{"Dir":"hunter2hunter2"}`, `{"mode":"process","asked_by":"hook"}`), run(`{}`, `{"mode":"explain","scene_id":1e9,"task":"x"}`),
	} {
		f.Add(sent)
	}
	log.SetOutput(io.Discard) // as the program does: net/rpc repeats what strangers sent
	f.Setenv("STASH_PLEX_SYNC_DIR", f.TempDir()+"/data")
	framed := regexp.MustCompile("^(\x01[tdiwe]\x02[^\x00-\x1f\x7f]*\n|\x01p\x02[01]\\.[0-9]{4}\n)*$")
	f.Fuzz(func(t *testing.T, sent []byte) {
		calls, ok := harmless(sent)
		if !ok {
			return
		}
		stderr, conn := &logBuffer{}, &stashEnd{Reader: bytes.NewReader(sent)}
		if err := Serve(NewRunner("1", stderr), conn, conn); err != nil {
			t.Fatal(err)
		}
		if text := stderr.String(); !framed.MatchString(text) {
			t.Errorf("the log is %q", text)
		}
		output := stderr.String() + conn.String()
		for _, in := range calls {
			if c := in.ServerConnection.SessionCookie; c != nil && len(c.Value) >= 16 && (&http.Cookie{Name: "x", Value: c.Value}).Valid() == nil &&
				len(calls) == 1 && strings.Contains(output, c.Value) {
				t.Errorf("the cookie %q is in %q", c.Value, output)
			}
		}
		checkAnswers(t, conn.Bytes(), calls)
	})
}

// checkAnswers fails unless answers are JSON-RPC's, and the one to a hook has its result.
func checkAnswers(t *testing.T, answers []byte, calls []common.PluginInput) {
	t.Helper()
	failed := false
	for dec := json.NewDecoder(bytes.NewReader(answers)); ; {
		var answer struct {
			ID     any
			Result json.RawMessage
			Error  any
		}
		err := dec.Decode(&answer)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%q is no answer: %v", answers, err)
		}
		var out common.PluginOutput
		if json.Unmarshal(answer.Result, &out) != nil || out.Error != nil || answer.Error != nil {
			failed = true
		}
	}
	for _, in := range calls {
		if _, hook := in.Args[hooks.Key]; !hook || failed {
			continue
		}
		h, handled, _ := hooks.Parse(in.Args[hooks.Key])
		if handled && !h.Empty() && h.Fanout == nil && !h.Gone && len(calls) == 1 {
			dir, err := DataDir(in.ServerConnection)
			if err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Job(t.Context(), h.Own.SceneID); err != nil {
				t.Errorf("%+v: %v", in, err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
