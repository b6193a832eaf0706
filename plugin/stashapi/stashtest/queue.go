package stashtest

import (
	"strconv"
	"sync"
)

// queuePrefix is what Stash puts before the description of a plugin's task.
const queuePrefix = "Running plugin task: "

// queue is Stash's job queue: strictly one job at a time.
type queue struct {
	mu    sync.Mutex
	cond  *sync.Cond
	jobs  []*Job
	next  int
	added int
}

// Job is one job of the queue.
type Job struct {
	ID, Status, Description string
	Error                   string

	plugin, task string
	args         map[string]any
	held         bool // not ours: it runs until it is released
	stop         func()
}

func newQueue() *queue {
	q := &queue{}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// add puts a task into the queue and returns the job's id.
func (q *queue) add(plugin, task, description string, args map[string]any) string {
	if description == "" {
		description = task
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	q.added++
	j := &Job{ID: strconv.Itoa(q.next), Status: "READY", Description: queuePrefix + description, plugin: plugin, task: task, args: args}
	q.jobs = append(q.jobs, j)
	q.cond.Broadcast()
	return j.ID
}

// list is the queue as GraphQL shows it.
func (q *queue) list() []map[string]any {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []map[string]any
	for _, j := range q.jobs {
		list = append(list, map[string]any{"id": j.ID, "status": j.Status, "description": j.Description})
	}
	return list
}

// finish takes a job out of the queue.
func (q *queue) finish(j *Job, status string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.Status == "RUNNING" || j.Status == "READY" || j.Status == "STOPPING" {
		j.Status = status
	}
	for i, other := range q.jobs {
		if other == j {
			q.jobs = append(q.jobs[:i:i], q.jobs[i+1:]...)
			break
		}
	}
	q.cond.Broadcast()
}

// Hold puts a long job of Stash's own ("Scanning...") into the queue: RUNNING if the queue is idle, else
// behind what is there. Tasks behind it wait until release is called.
func (s *Server) Hold(description string) (release func()) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	j := &Job{ID: strconv.Itoa(q.next), Status: "READY", Description: description, held: true}
	if len(q.jobs) == 0 {
		j.Status = "RUNNING"
	}
	q.jobs = append(q.jobs, j)
	q.cond.Broadcast()
	return func() { q.finish(j, "FINISHED") }
}

// Asked returns how many tasks were ever put into the queue.
func (s *Server) Asked() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.added
}

// Jobs returns the queue.
func (s *Server) Jobs() []Job {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	var list []Job
	for _, j := range s.queue.jobs {
		list = append(list, Job{ID: j.ID, Status: j.Status, Description: j.Description})
	}
	return list
}
