package stashtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stashapp/stash/pkg/plugin"
)

// unread is how many events a subscriber may leave unread: like Stash, the queue drops further ones.
const unread = 100

// SetApp makes a handler answer what belongs to Stash's web app: its pages, and the scripts and styles of plugins. The
// handler is called only for whoever is logged in, or for the login page.
func (s *Server) SetApp(app http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.web = app
}

func (s *Server) app() http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.web
}

// SetLanguage sets the language of Stash's interface, such as de-DE.
func (s *Server) SetLanguage(language string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.language = language
}

// Settings returns the stored settings of a plugin.
func (s *Server) Settings(plugin string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.settings[plugin])
}

// PluginOf describes a loaded plugin; nil if there is none with this id.
func (h *Host) PluginOf(id string) *plugin.Plugin { return h.cache.GetPlugin(id) }

// RequireLogin sets credentials of the server, whose sessions the plugins get from now on.
func (h *Host) RequireLogin(apiKey string, maxAge int) {
	h.Server.RequireLogin(apiKey, maxAge)
	h.cache.RegisterSessionStore(h.Server.store())
}

// disabled returns the plugins that are not enabled.
func (s *Server) disabled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for id, enabled := range s.plugins {
		if !enabled {
			list = append(list, id)
		}
	}
	return list
}

// listPlugins returns the plugins that a Host has loaded and those of SetPlugin.
func (s *Server) listPlugins() []map[string]any {
	s.mu.Lock()
	cached, others := s.cached, maps.Clone(s.plugins)
	s.mu.Unlock()
	list := []map[string]any{}
	if cached != nil {
		for _, p := range cached.ListPlugins() {
			list = append(list, pluginRow(p))
			delete(others, p.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(others)) {
		list = append(list, map[string]any{
			"id": id, "enabled": others[id], "name": id, "description": nil, "version": nil, "url": nil, "requires": nil,
			"settings": nil, "tasks": nil, "paths": map[string]any{"javascript": nil, "css": nil},
		})
	}
	return list
}

// pluginRow returns a plugin as GraphQL shows it. The paths are relative to the root of Stash.
func pluginRow(p *plugin.Plugin) map[string]any {
	settings, tasks := []map[string]any{}, []map[string]any{}
	for _, set := range p.Settings {
		settings = append(settings, map[string]any{"name": set.Name, "display_name": set.DisplayName, "description": set.Description, "type": string(set.Type)})
	}
	slices.SortFunc(settings, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	for _, task := range p.Tasks {
		tasks = append(tasks, map[string]any{"name": task.Name, "description": task.Description})
	}
	paths := map[string]any{"javascript": nil, "css": nil}
	for kind, files := range map[string][]string{"javascript": p.UI.Javascript, "css": p.UI.CSS} {
		if len(files) > 0 {
			paths[kind] = []string{"/plugin/" + p.ID + "/" + kind}
		}
	}
	return map[string]any{
		"id": p.ID, "name": p.Name, "description": p.Description, "version": p.Version, "url": p.URL, "enabled": p.Enabled,
		"requires": p.UI.Requires, "settings": settings, "tasks": tasks, "paths": paths,
	}
}

// change carries out a mutation of plugins or of the queue.
func (s *Server) change(name string, args map[string]any) any {
	switch name {
	case "configurePlugin":
		input, _ := args["input"].(map[string]any)
		s.SetSettings(fmt.Sprint(args["plugin_id"]), plain(input))
		return input
	case "setPluginsEnabled":
		enabled, _ := args["enabledMap"].(map[string]any)
		for id, on := range enabled {
			s.SetPlugin(id, on == true)
		}
	case "stopJob":
		s.queue.stop(fmt.Sprint(args["job_id"]))
	case "stopAllJobs":
		for _, j := range s.Jobs() {
			s.queue.stop(j.ID)
		}
	}
	return true
}

// Subscribe validates a subscription and calls send for each of its events, until ctx ends. Of Stash's subscriptions it
// knows jobsSubscribe and scanCompleteSubscribe, which has an event when a job "Scanning..." has ended.
func (s *Server) Subscribe(ctx context.Context, name, query string, variables map[string]any, send func(data map[string]any)) error {
	op, vars, errs := s.validate(name, query, variables)
	if len(errs) > 0 {
		return errs
	}
	fields := fieldsOf(op.SelectionSet)
	if op.Operation != "subscription" || len(fields) != 1 {
		return fmt.Errorf("stashtest does not support the subscription %s", name)
	}
	events := make(chan any, unread)
	add := func(event any) {
		select {
		case events <- event:
		default:
		}
	}
	stop := s.queue.watch(func(kind string, job map[string]any) {
		scanned := kind == "REMOVE" && strings.HasPrefix(fmt.Sprint(job["description"]), "Scanning")
		switch {
		case fields[0].Name == "jobsSubscribe":
			add(map[string]any{"type": kind, "job": job})
		case fields[0].Name == "scanCompleteSubscribe" && scanned:
			add(true)
		}
	})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-events:
			data := make(map[string]any)
			var err error
			if data[fields[0].Alias], err = project(fields[0], event, vars); err != nil {
				return err
			}
			send(data)
		}
	}
}

// Subscribers returns how many subscriptions there are.
func (s *Server) Subscribers() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.watchers)
}

// watch calls f for each event of the queue until stop is called. f must not wait for anything.
func (q *queue) watch(f func(kind string, job map[string]any)) (stop func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watched++
	id := q.watched
	q.watchers[id] = f
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.watchers, id)
	}
}

// tell reports an event of a job: ADD, UPDATE or REMOVE. The caller holds the lock.
func (q *queue) tell(kind string, j *Job) {
	for _, f := range q.watchers {
		f(kind, j.row())
	}
}

// advance notes how far a job is.
func (q *queue) advance(j *Job, progress float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.Progress = progress
	if slices.Contains(q.jobs, j) {
		q.tell("UPDATE", j)
	}
}
