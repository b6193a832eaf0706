package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// Secrets with all that is written in another way somewhere.
const (
	plexSecret = `tok-01"23\45&<67>%2F+89/==secret`
	keySecret  = `key-98"76\54&<32>%2F+10/==secret`
)

// kinds makes one fault of each field of a kind of faults, so that a field that is added later is tried, too:
// what is true, late, or a status, with texts that repeat the secrets.
func kinds[F any](statuses []int, times int) (list []F) {
	text := strings.Join(slices.Concat(forms(plexSecret), forms(keySecret)), " ")
	of := reflect.TypeFor[F]()
	with := func(set ...any) { // names and values
		var f F
		v := reflect.ValueOf(&f).Elem()
		v.FieldByName("Times").SetInt(int64(times))
		for i := 0; i < len(set); i += 2 {
			if field := v.FieldByName(set[i].(string)); field.IsValid() {
				field.Set(reflect.ValueOf(set[i+1]))
			}
		}
		list = append(list, f)
	}
	header := http.Header{"Location": {"http://127.0.0.1:1/" + text}, "X-Echo": {text}, "Retry-After": {text}, "Content-Type": {text}, "Www-Authenticate": {text}, "Server": {text}}
	for field := range of.Fields() {
		switch {
		case !field.IsExported() || field.Name == "Times":
		case field.Name == "Status":
			for _, status := range statuses {
				with("Status", status, "Header", header, "Body", `<Response title="`+text+`">`+text)
			}
		case field.Type.Kind() == reflect.Bool:
			with(field.Name, true, "Status", 500, "Body", text)
		case field.Type == reflect.TypeFor[time.Duration]():
			with(field.Name, 20*time.Millisecond)
		case field.Name == "Message":
			for pad := 200; pad < 300; pad += 25 { // so that it is cut somewhere
				with("Message", strings.Repeat("x", pad)+" "+plexSecret+" "+keySecret)
			}
			with("Message", text)
		}
	}
	return list
}

// spied is a world whose every word to the outside is kept.
type spied struct {
	*world
	plexFront, stashFront *front
	mu                    sync.Mutex
	said                  map[string]string // what was told, and where
}

// spy starts a Stash with a login and a Plex, each behind a front.
func spy(t *testing.T, secure bool) *spied {
	t.Helper()
	before := umask(0)
	t.Cleanup(func() { umask(before) })
	w := newWorld(t, 3)
	w.plex.Token = plexSecret
	w.stash.RequireLogin(keySecret, 3600)
	s := &spied{world: w, said: make(map[string]string), plexFront: stand(t, w.plex, "", secure)}
	w.stash.Stop() // and in no time somebody else has its port
	s.stashFront = stand(t, w.stash, fmt.Sprint("127.0.0.1:", w.stash.Port()), false)
	s.plexFront.also = plexSecret // who it is, it is asked without a token
	w.settings(map[string]any{"plexUrl": s.plexFront.url, "plexToken": plexSecret, "insecureTLS": secure, "timeoutSeconds": 1})
	w.hostOf(pluginDir) // whose sessions are those of the login
	w.occupied()
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(ended) })
	t.Cleanup(func() { close(ended); watch.Wait() })
	return s
}

// tell keeps what was told.
func (s *spied) tell(where string, what any) {
	text, err := json.Marshal(what)
	s.must(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said[fmt.Sprintf("%s (%d)", where, len(s.said))] = fmt.Sprint(what) + "\n" + string(text)
}

// watch keeps the arguments and the environment of every process of the plugin.
func (s *spied) watch(ended <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		for _, pid := range s.host.Processes() {
			for _, name := range []string{"cmdline", "environ"} {
				if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err == nil {
					s.mu.Lock()
					s.said[fmt.Sprintf("/proc/%d/%s", pid, name)] = string(text)
					s.mu.Unlock()
				}
			}
		}
	}
}

// call runs an operation and keeps what it tells.
func (s *spied) call(args map[string]any) {
	out, err := s.host.Operation(s.context(), args)
	s.tell(fmt.Sprint(args), out)
	if err != nil {
		s.tell(fmt.Sprint(args), err.Error())
	}
}

// due makes whatever waits due, and closes the breaker.
func (s *spied) due() {
	s.sql(`UPDATE job SET due_at = 0, attempts = 0, unfinished = 0`)
	s.sql(`UPDATE breaker SET state = 'closed', consecutive_failures = 0, opened_at = NULL, probe_at = NULL, half_open_at = NULL`)
}

// modes are those of the tasks and the operations.
func (w *world) modes() (list []string) {
	yml, err := os.ReadFile("../../stash-plex-sync.yml")
	w.must(err)
	for _, m := range regexp.MustCompile(`mode: (\S+)`).FindAllStringSubmatch(string(yml), -1) {
		list = append(list, m[1])
	}
	list = append(list, "sync-scene", "explain", "nonsense")
	return append(list, slices.Sorted(maps.Keys(ops.All()))...)
}

// push lets a run push a scene, with a hook before it in the long form.
func (s *spied) push(round int) {
	id := 1 + round%3
	if torture(s) > 0 {
		s.sql(`DELETE FROM meta WHERE key = 'run_mark'`) // so that it asks Stash for a run
		s.bulk(fmt.Sprint("Title ", round), id)
	}
	s.stash.Change(id, titled(fmt.Sprint("Title ", round)))
	s.sql(`INSERT OR IGNORE INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (?, 'edit', 1, 0, 0)`, id)
	s.due()
	s.call(map[string]any{"mode": "process"})
	s.plex.Heal()
	s.stash.Heal()
}

// faults lets everything go wrong, one after the other, with a push each time.
func (s *spied) faults() {
	for round, f := range kinds[plextest.Fault]([]int{301, 400, 401, 403, 404, 413, 429, 500, 502, 503}, 2) {
		if round%2 == 0 {
			f.Method = "PUT"
		}
		s.plex.Inject(f)
		s.push(round)
	}
	for round, f := range kinds[stashtest.Fault]([]int{302, 401, 500}, 1) {
		f.Operation = "ScenesByID"
		s.stash.Inject(f)
		f.Operation = "SceneByID"
		s.stash.Inject(f)
		s.stash.Break(1 + round%3)
		s.push(round)
	}
}

// lies lets both servers answer what is no answer.
func (s *spied) lies() {
	for round, answer := range answers() {
		for _, f := range []*front{s.plexFront, s.stashFront} {
			to := []string{"/library", ""}[round%2]
			if f == s.stashFront {
				to = []string{"ScenesByID", "Settings"}[round%2]
			}
			f.say(answer, to, 2)
			if s.push(round); f.left == 2 {
				s.Errorf("nobody was answered %s", name(answer))
			}
			f.say("", "", 0)
		}
	}
	s.sql(`DELETE FROM meta WHERE key = 'run_mark'`)
	s.stashFront.say(answers()[3], "JobQueue", 1)
	s.bulk("Asked", 1) // the hook's own question
	s.stashFront.say("", "", 0)
}

// everything runs all tasks and operations, while Plex refuses writes and Stash a scene, and then without.
func (s *spied) everything() {
	for _, broken := range []bool{true, false} {
		for _, mode := range s.modes() {
			if broken {
				s.plex.Inject(plextest.Fault{Method: "PUT", Status: 400, Body: strings.Join(forms(plexSecret), " ")})
				s.stash.Inject(stashtest.Fault{Operation: "SceneByID", Message: plexSecret + " " + keySecret})
				s.stash.Break(2)
			}
			s.due()
			long := torture(s) > 0
			if long || broken {
				s.call(map[string]any{"mode": mode, "scene_id": 1 + len(mode)%3})
			}
			if long || !broken {
				s.call(map[string]any{"mode": mode, "task": "yes"})
			}
			s.plex.Heal()
			s.stash.Heal()
		}
	}
}

// damaged lets a queue be moved aside while the inbox holds something.
func (s *spied) damaged() {
	s.must(os.Truncate(s.database(), 100))
	s.bulk("Damaged", 1)
	left := files(s, filepath.Join(s.folder(), "inbox"))
	s.tell("the inbox", fmt.Sprintf("%s", left))
	s.wantClosed()
	s.call(map[string]any{"mode": "process"})
}

// wantClosed checks that nobody else can read what is kept.
func (s *spied) wantClosed() {
	s.Helper()
	s.must(filepath.WalkDir(s.folder(), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err == nil && fi.Mode().Perm() != want {
			s.Errorf("%s has mode %o, want %o", name, fi.Mode().Perm(), want)
		}
		return err
	}))
}

// kept reads every text of a database, since a long one lies in several pages.
func (s *spied) kept(file string) {
	s.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(10000)")
	s.must(err)
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	s.must(err)
	var tables []string
	for rows.Next() {
		var table string
		s.must(rows.Scan(&table))
		tables = append(tables, table)
	}
	s.must(rows.Err())
	for _, table := range tables {
		rows, err := db.Query(`SELECT * FROM ` + table)
		s.must(err)
		columns, err := rows.Columns()
		s.must(err)
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		for rows.Next() {
			s.must(rows.Scan(to...))
			s.tell(table+" of "+filepath.Base(file), fmt.Sprint(values...))
		}
		s.must(rows.Err())
	}
}

// wantNoSecret looks for every secret in everything that was told or is kept.
func (s *spied) wantNoSecret() {
	s.Helper()
	var secrets []string
	for _, f := range []*front{s.plexFront, s.stashFront} {
		addresses, brought := f.known()
		s.tell("addresses", strings.Join(addresses, "\n"))
		secrets = append(secrets, brought...)
	}
	if !slices.Contains(secrets, plexSecret) || !slices.Contains(secrets, keySecret) || len(secrets) < 3 {
		s.Errorf("too few secrets went over the wire to prove anything: %q", secrets)
	}
	for _, l := range s.host.Lines() {
		s.tell("the log", l.Level+" "+l.Text)
	}
	for _, q := range s.stash.Queries() {
		s.tell("a query", q)
	}
	s.kept(s.database())
	s.kept(filepath.Join(s.folder(), "index.db"))
	s.must(filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var text []byte
			text, err = os.ReadFile(name)
			s.said[name] = string(text)
		}
		return err
	}))
	for where, text := range s.said {
		if _, form := betrayed(text, secrets); form != "" {
			at := strings.Index(text, form)
			s.Errorf("%s tells a secret: %.400q", where, text[max(0, at-100):min(len(text), at+len(form)+20)])
		}
	}
}

// betrayed returns the secret that a text tells, and in which form.
func betrayed(text string, secrets []string) (secret, form string) {
	for _, secret := range secrets {
		for _, form := range append(forms(secret), secret[:len(secret)-3], secret[:16]) { // one that was cut tells enough
			if strings.Contains(text, form) {
				return secret, form
			}
		}
	}
	return "", ""
}

func TestTortureNoSecretIsEverWritten(t *testing.T) {
	given := torture(t)
	for _, secure := range []bool{false, true} {
		if secure && given == 0 {
			break
		}
		t.Run(fmt.Sprint("https ", secure), func(t *testing.T) {
			s := spy(t, secure)
			s.bulk("Title", 1, 2, 3)
			s.call(map[string]any{"mode": "process"})
			s.faults()
			s.lies()
			s.everything()
			s.damaged()
			s.wantClosed()
			s.wantNoSecret()
		})
	}
}
