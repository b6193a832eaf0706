package stashtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stashapp/stash/pkg/logger"
	"github.com/stashapp/stash/pkg/plugin"
	"github.com/stashapp/stash/pkg/session"
)

// PluginID is the plugin that a Host runs.
const PluginID = "stash-plex-sync"

// Line is one line of Stash's log.
type Line struct {
	Level string // Trace, Debug, Info, Warning, Error
	Text  string
}

// Host runs plugins with Stash's own code, as Stash does: a process for each hook, task and operation, the hooks of one
// mutation one after the other, tasks one at a time.
type Host struct {
	Server *Server
	cache  *plugin.Cache
	dir    string // of Stash's configuration
	user   string

	end   context.CancelFunc
	done  chan struct{}
	tasks sync.WaitGroup // running tasks, including those that Stash no longer waits for

	mu       sync.Mutex
	lines    []Line
	progress []float64
}

// NewHost loads the plugins below pluginsDir and starts to run the server's queue. configDir is the folder of Stash's
// configuration. A process can use one Host at a time, since Stash's log is global.
func NewHost(server *Server, pluginsDir, configDir string) (*Host, error) {
	h := &Host{Server: server, dir: configDir, done: make(chan struct{}), user: "admin"}
	captureFor(h)
	h.cache = plugin.NewCache(hostConfig{h, pluginsDir})
	h.cache.RegisterSessionStore(server.store())
	h.cache.ReloadPlugins()
	if h.cache.GetPlugin(PluginID) == nil {
		return nil, fmt.Errorf("no plugin %s below %s: %v", PluginID, pluginsDir, h.Lines())
	}
	server.mu.Lock()
	server.operate, server.cached = h.operation, h.cache
	server.mu.Unlock()
	ctx, end := context.WithCancel(session.SetCurrentUserID(context.Background(), h.user))
	h.end = end
	go h.work(ctx)
	return h, nil
}

// Close stops the running task, waits for its end, and closes the host.
func (h *Host) Close() {
	h.end()
	h.Server.queue.mu.Lock()
	h.Server.queue.cond.Broadcast()
	h.Server.queue.mu.Unlock()
	<-h.done
	h.tasks.Wait()
}

// Reload loads the plugins again, as Stash does when it has installed, updated or removed one.
func (h *Host) Reload() { h.cache.ReloadPlugins() }

// Plugin describes the loaded plugin.
func (h *Host) Plugin() *plugin.Plugin { return h.cache.GetPlugin(PluginID) }

// work runs the tasks of the queue, one after the other.
func (h *Host) work(ctx context.Context) {
	defer close(h.done)
	for {
		j, running := h.Server.queue.take(ctx)
		if j == nil {
			return
		}
		h.runTask(running, j)
	}
}

// runTask runs one task until it has ended or, like Stash, until it has answered the call of Stop: its Run may continue
// beside the next task. Like Stash it marks a task as finished regardless of its output.
func (h *Host) runTask(ctx context.Context, j *Job) {
	progress := make(chan float64) // never closed: a stopped task may still write lines
	var name *string
	if j.task != "" {
		name = &j.task
	}
	task, err := h.cache.CreateTask(ctx, j.plugin, name, plugin.OperationInput(maps.Clone(j.args)), progress)
	if err != nil {
		h.fail(j, "Error creating plugin task: "+err.Error()) // Stash's wording
		return
	}
	if err := task.Start(); err != nil {
		h.fail(j, "Error running plugin task: "+err.Error())
		return
	}
	over := make(chan struct{})
	h.tasks.Go(func() {
		defer close(over)
		task.Wait()
		switch out := task.GetResult(); {
		case out == nil:
			logger.Debug("Plugin returned no result")
		case out.Error != nil:
			logger.Errorf("Plugin returned error: %s", *out.Error)
		case out.Output != nil:
			logger.Debugf("Plugin returned: %v", out.Output)
		}
	})
	for {
		select {
		case <-over:
			h.Server.queue.finish(j, "FINISHED", "")
			return
		case p := <-progress:
			h.advance(j, p)
		case <-ctx.Done():
			if err := task.Stop(); err != nil {
				logger.Errorf("Error stopping plugin operation: %s", err.Error())
			}
			h.Server.queue.finish(j, "CANCELLED", "")
			return
		}
	}
}

func (h *Host) fail(j *Job, why string) {
	logger.Errorf("task failed due to error: %s", why)
	h.Server.queue.finish(j, "FAILED", why)
}

func (h *Host) advance(j *Job, p float64) {
	h.Server.queue.advance(j, p)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, p)
}

// RunTask queues a task of the yml, as a click on it does, and returns the job's id.
func (h *Host) RunTask(name string, args map[string]any) string {
	return h.Server.queue.add(PluginID, name, "", args)
}

// StopJob stops a job as Stash does: a waiting one never starts, a running one is asked to stop. It does not wait for the
// end of the job.
func (h *Host) StopJob(id string) { h.Server.queue.stop(id) }

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

// Operation calls the plugin without the queue, as runPluginOperation does.
func (h *Host) Operation(ctx context.Context, args map[string]any) (any, error) {
	return h.operation(ctx, PluginID, args)
}

func (h *Host) operation(ctx context.Context, id string, args map[string]any) (any, error) {
	if h.cache.GetPlugin(id) == nil {
		return nil, fmt.Errorf("internal system error: there is no plugin %q", id) // Stash panics and recovers
	}
	return h.cache.RunPlugin(session.SetCurrentUserID(ctx, h.user), id, plugin.OperationInput(maps.Clone(args)))
}

// Lines returns what was logged, including all lines of the plugins that have answered.
func (h *Host) Lines() []Line {
	readToEnd()
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
		fmt.Sscan(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), &state, &parent) // the kernel's own form
		if parent == os.Getpid() && strings.HasPrefix(PluginID, comm) && state != "Z" && comm != "" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hostConfig is the configuration that Stash's plugin cache needs.
type hostConfig struct {
	h       *Host
	plugins string
}

func (c hostConfig) GetHost() string              { return "127.0.0.1" }
func (c hostConfig) GetPort() int                 { return c.h.Server.Port() }
func (c hostConfig) GetConfigPathAbs() string     { return c.h.dir }
func (c hostConfig) HasTLSConfig() bool           { return c.h.Server.secure() }
func (c hostConfig) GetPluginsPath() string       { return c.plugins }
func (c hostConfig) GetDisabledPlugins() []string { return c.h.Server.disabled() }
func (c hostConfig) GetPythonPath() string        { return "" }
