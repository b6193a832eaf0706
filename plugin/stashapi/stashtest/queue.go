package stashtest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	queuePrefix = "Running plugin task: " // Stash's prefix of the description of a plugin's task
	remembered  = 10                      // ended jobs that Stash keeps
)

// queue is Stash's job queue: strictly one job at a time.
type queue struct {
	mu    sync.Mutex
	cond  *sync.Cond
	jobs  []*Job // running or waiting
	over  []*Job // the last ones that ended
	next  int
	added int

	watchers map[int]func(kind string, job map[string]any)
	watched  int
}

// Job is one job of the queue.
type Job struct {
	ID, Status, Description string
	Error                   string  // why it FAILED
	Progress                float64 // last reported

	plugin, task string
	args         map[string]any
	addedAt      time.Time
	held         bool               // a job of Hold: it runs until it is released
	cancel       context.CancelFunc // nil until it runs
}

func newQueue() *queue {
	q := &queue{watchers: make(map[int]func(string, map[string]any))}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// add queues a task and returns the job's id.
func (q *queue) add(plugin, task, description string, args map[string]any) string {
	if description == "" {
		description = task
	}
	if description == "" {
		description = plugin
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.added++
	return q.enter(&Job{Description: queuePrefix + description, plugin: plugin, task: task, args: args}).ID
}

// enter puts a job at the end of the queue; the caller holds the lock.
func (q *queue) enter(j *Job) *Job {
	q.next++
	j.ID, j.Status, j.addedAt = strconv.Itoa(q.next), "READY", time.Now()
	q.jobs = append(q.jobs, j)
	q.tell("ADD", j)
	q.cond.Broadcast()
	return j
}

// take waits for a task at the head of the queue and marks it as running. It returns nil when ctx has ended.
func (q *queue) take(ctx context.Context) (*Job, context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for ctx.Err() == nil && (len(q.jobs) == 0 || q.jobs[0].Status != "READY") {
			q.cond.Wait()
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		j := q.jobs[0]
		j.Status = "RUNNING"
		q.tell("UPDATE", j)
		if j.held {
			continue
		}
		running, cancel := context.WithCancel(ctx)
		j.cancel = cancel
		return j, running
	}
}

// finish removes a job from the queue. A job that was asked to stop counts as cancelled.
func (q *queue) finish(j *Job, status, why string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.jobs, j)
	if at < 0 {
		return
	}
	if j.Status == "STOPPING" && status == "FINISHED" {
		status = "CANCELLED"
	}
	j.Status, j.Error = status, why
	q.tell("REMOVE", j)
	if j.cancel != nil {
		j.cancel()
	}
	q.jobs = slices.Delete(q.jobs, at, at+1)
	if q.over = append(q.over, j); len(q.over) > remembered {
		q.over = q.over[1:]
	}
	q.cond.Broadcast()
}

// stop asks a job to end: a waiting one never starts, a running one is cancelled.
func (q *queue) stop(id string) {
	q.mu.Lock()
	at := slices.IndexFunc(q.jobs, func(j *Job) bool { return j.ID == id })
	if at < 0 {
		q.mu.Unlock()
		return
	}
	j := q.jobs[at]
	if j.Status == "RUNNING" && j.cancel != nil {
		j.Status = "STOPPING"
		j.cancel()
		q.mu.Unlock()
		return
	}
	q.mu.Unlock()
	q.finish(j, "CANCELLED", "")
}

// list returns the queue as GraphQL shows it.
func (q *queue) list() []map[string]any {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []map[string]any
	for _, j := range q.jobs {
		list = append(list, j.row())
	}
	return list
}

// find returns a job as GraphQL shows it; nil if Stash no longer keeps it.
func (q *queue) find(id string) any {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range slices.Concat(q.jobs, q.over) {
		if j.ID == id {
			return j.row()
		}
	}
	return nil
}

// row returns a job as GraphQL shows it. The caller holds the queue's lock.
func (j *Job) row() map[string]any {
	row := map[string]any{
		"id": j.ID, "status": j.Status, "description": j.Description, "progress": j.Progress,
		"addTime": j.addedAt.UTC().Format(time.RFC3339Nano), "subTasks": nil, "error": nil,
	}
	if j.Error != "" {
		row["error"] = j.Error
	}
	return row
}

// Hold queues a long job of Stash itself ("Scanning..."), which runs at once if the queue is idle. Tasks after it wait
// until release is called.
func (s *Server) Hold(description string) (release func()) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.enter(&Job{Description: description, held: true})
	if len(q.jobs) == 1 {
		j.Status = "RUNNING"
		q.tell("UPDATE", j)
	}
	return func() { q.finish(j, "FINISHED", "") }
}

// Asked returns how many tasks were ever queued.
func (s *Server) Asked() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.added
}

// Jobs returns the running and waiting jobs.
func (s *Server) Jobs() []Job { return s.queue.copied(func(q *queue) []*Job { return q.jobs }) }

// Ended returns the last ten jobs that have ended.
func (s *Server) Ended() []Job { return s.queue.copied(func(q *queue) []*Job { return q.over }) }

func (q *queue) copied(of func(*queue) []*Job) []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []Job
	for _, j := range of(q) {
		list = append(list, Job{ID: j.ID, Status: j.Status, Description: j.Description, Error: j.Error, Progress: j.Progress})
	}
	return list
}
