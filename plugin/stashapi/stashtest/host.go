package stashtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/stashapp/stash/pkg/logger"
	"github.com/stashapp/stash/pkg/models"
	"github.com/stashapp/stash/pkg/plugin"
	"github.com/stashapp/stash/pkg/plugin/hook"
	"github.com/stashapp/stash/pkg/session"
)

// PluginID is the plugin that a Host runs.
const PluginID = "stash-plex-sync"

// Line is one line of Stash's log.
type Line struct {
	Level string // Trace, Debug, Info, Warning, Error
	Text  string
}

// Host runs plugins with Stash's own code, in the way that Stash does: a process for each hook, task and
// operation, hooks of one mutation after each other, tasks one at a time.
type Host struct {
	Server *Server
	cache  *plugin.Cache
	dir    string // of Stash's configuration
	user   string

	end  context.CancelFunc
	done chan struct{}

	mu       sync.Mutex
	lines    []Line
	progress []float64
}

// NewHost loads the plugins below pluginsDir and begins to work off the server's queue. configDir is where
// Stash's configuration would lie. One Host at a time can be used in a process, since Stash's log is global.
func NewHost(server *Server, pluginsDir, configDir string) (*Host, error) {
	h := &Host{Server: server, dir: configDir, done: make(chan struct{}), user: "admin"}
	captureFor(h)
	h.cache = plugin.NewCache(hostConfig{h, pluginsDir})
	h.cache.RegisterSessionStore(server.store())
	h.cache.ReloadPlugins()
	if h.cache.GetPlugin(PluginID) == nil {
		return nil, fmt.Errorf("no plugin %s below %s: %v", PluginID, pluginsDir, h.Lines())
	}
	ctx, end := context.WithCancel(session.SetCurrentUserID(context.Background(), h.user))
	h.end = end
	go h.work(ctx)
	return h, nil
}

// Close stops the running task and ends the host.
func (h *Host) Close() {
	h.end()
	h.Server.queue.mu.Lock()
	h.Server.queue.cond.Broadcast()
	h.Server.queue.mu.Unlock()
	<-h.done
}

// Plugin describes the loaded plugin.
func (h *Host) Plugin() *plugin.Plugin { return h.cache.GetPlugin(PluginID) }

// work runs the tasks of the queue, one after the other.
func (h *Host) work(ctx context.Context) {
	defer close(h.done)
	q := h.Server.queue
	for {
		q.mu.Lock()
		for ctx.Err() == nil && (len(q.jobs) == 0 || q.jobs[0].held && q.jobs[0].Status == "RUNNING") {
			q.cond.Wait()
		}
		if ctx.Err() != nil {
			q.mu.Unlock()
			return
		}
		j := q.jobs[0]
		j.Status = "RUNNING"
		q.mu.Unlock()
		if !j.held {
			h.runTask(ctx, j)
		}
	}
}

// runTask runs one task to its end. Like Stash it takes a task for finished whatever its output says.
func (h *Host) runTask(ctx context.Context, j *Job) {
	progress := make(chan float64)
	ended := make(chan struct{})
	defer close(ended) // the channel stays open: Stash's reader of the log may still send, without waiting
	go func() {
		for {
			select {
			case <-ended:
				return
			case p := <-progress:
				h.mu.Lock()
				h.progress = append(h.progress, p)
				h.mu.Unlock()
			}
		}
	}()
	var name *string
	if j.task != "" {
		name = &j.task
	}
	task, err := h.cache.CreateTask(ctx, j.plugin, name, plugin.OperationInput(maps.Clone(j.args)), progress)
	if err == nil {
		err = task.Start()
	}
	if err != nil {
		j.Error = err.Error()
		logger.Errorf("task failed: %v", err)
		h.Server.queue.finish(j, "FAILED")
		return
	}
	over := make(chan struct{})
	stopped := make(chan struct{})
	var once sync.Once
	h.Server.queue.mu.Lock()
	j.stop = func() {
		once.Do(func() {
			if err := task.Stop(); err != nil {
				logger.Warnf("could not stop task: %v", err)
			}
			close(stopped)
		})
	}
	h.Server.queue.mu.Unlock()
	go func() {
		task.Wait()
		close(over)
	}()
	select {
	case <-over:
		if out := task.GetResult(); out != nil && out.Error != nil {
			logger.Errorf("Plugin returned error: %s", *out.Error)
		}
		h.Server.queue.finish(j, "FINISHED")
	case <-stopped: // Stash does not wait for Run to return
		h.Server.queue.finish(j, "CANCELLED")
	case <-ctx.Done():
		j.stop()
		<-over
		h.Server.queue.finish(j, "CANCELLED")
	}
}

// RunTask puts a task of the yml into the queue, as a click on it does, and returns the job's id.
func (h *Host) RunTask(name string, args map[string]any) string {
	return h.Server.queue.add(PluginID, name, "", args)
}

// StopJob stops a job as Stash does: a waiting one never starts, a running one is asked to stop.
func (h *Host) StopJob(id string) {
	q := h.Server.queue
	q.mu.Lock()
	for _, j := range q.jobs {
		if j.ID != id {
			continue
		}
		if j.Status == "READY" {
			q.mu.Unlock()
			q.finish(j, "CANCELLED")
			return
		}
		if stop := j.stop; stop != nil {
			j.Status = "STOPPING"
			q.mu.Unlock()
			stop()
			return
		}
	}
	q.mu.Unlock()
}

// WaitIdle waits until the queue is empty.
func (h *Host) WaitIdle(ctx context.Context) error {
	q := h.Server.queue
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.cond.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) > 0 && ctx.Err() == nil {
		q.cond.Wait()
	}
	if len(q.jobs) > 0 {
		return fmt.Errorf("the queue is not idle: %+v: %w", *q.jobs[0], ctx.Err())
	}
	return nil
}

// Operation calls the plugin past the queue, as runPluginOperation does.
func (h *Host) Operation(ctx context.Context, args map[string]any) (any, error) {
	return h.cache.RunPlugin(session.SetCurrentUserID(ctx, h.user), PluginID, plugin.OperationInput(maps.Clone(args)))
}

// Update edits one scene as a person does on its page: f changes it, and its hook fires with the whole
// input, in which what was not sent is null. It returns when the hook has.
func (h *Host) Update(ctx context.Context, id int, f func(*Scene)) {
	h.Server.Change(id, f)
	title := "x"
	input := models.SceneUpdateInput{ID: strconv.Itoa(id), Title: &title}
	h.cache.ExecuteSceneUpdatePostHooks(session.SetCurrentUserID(ctx, h.user), input, []string{"title", "id"})
}

// BulkUpdate edits many scenes at once: the hooks fire one after the other, each with all ids, and end when
// the client goes away.
func (h *Host) BulkUpdate(ctx context.Context, ids []int, f func(*Scene)) {
	var texts []any
	for _, id := range ids {
		h.Server.Change(id, f)
		texts = append(texts, strconv.Itoa(id))
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return
		}
		h.Fire(ctx, hook.SceneUpdatePost, id, map[string]any{"ids": texts, "rating100": 60}, []string{"ids", "rating100"})
	}
}

// Destroy removes a scene and fires its hook.
func (h *Host) Destroy(ctx context.Context, id int) {
	h.Server.Drop(id)
	h.Fire(ctx, hook.SceneDestroyPost, id, map[string]any{"id": strconv.Itoa(id), "path": "/x", "checksum": "", "oshash": "x"}, nil)
}

// Create adds a scene and fires its hook as a scan does, without an input.
func (h *Host) Create(ctx context.Context, scene Scene) int {
	id := h.Server.Add(scene)[0]
	h.Fire(ctx, hook.SceneCreatePost, id, nil, nil)
	return id
}

// Fire fires one hook.
func (h *Host) Fire(ctx context.Context, event hook.TriggerEnum, id int, input any, fields []string) {
	h.cache.ExecutePostHooks(session.SetCurrentUserID(ctx, h.user), id, event, input, fields)
}

// Lines returns what was logged.
func (h *Host) Lines() []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// Progress returns the progress that tasks reported.
func (h *Host) Progress() []float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.progress)
}

// Processes returns the process ids of this process's children that run the plugin.
func (h *Host) Processes() []int {
	var pids []int
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, name := range names {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		var pid, parent int
		var state string
		comm := string(stat[strings.IndexByte(string(stat), '(')+1 : strings.LastIndexByte(string(stat), ')')])
		fmt.Sscan(string(stat), &pid)                                                         // the kernel's own form
		fmt.Sscan(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), &state, &parent) // likewise
		if parent == os.Getpid() && strings.HasPrefix(PluginID, comm) && state != "Z" && comm != "" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hostConfig is what Stash's plugin cache asks of its configuration.
type hostConfig struct {
	h       *Host
	plugins string
}

func (c hostConfig) GetHost() string              { return "127.0.0.1" }
func (c hostConfig) GetPort() int                 { return c.h.Server.Port() }
func (c hostConfig) GetConfigPathAbs() string     { return c.h.dir }
func (c hostConfig) HasTLSConfig() bool           { return false }
func (c hostConfig) GetPluginsPath() string       { return c.plugins }
func (c hostConfig) GetDisabledPlugins() []string { return nil }
func (c hostConfig) GetPythonPath() string        { return "" }
