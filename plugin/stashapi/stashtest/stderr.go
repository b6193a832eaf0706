package stashtest

import (
	"runtime"
	"strings"
	"time"
)

// Stash reads what a plugin writes to stderr beside its answer, and some of it after the answer has been returned.
const (
	waiter = "stash/pkg/plugin.(*rpcPluginTask).waitToFinish("
	copier = "os/exec.(*Cmd).writerDescriptor." // carries what a process writes, to its end
	reader = "stash/pkg/plugin.(*pluginTask).handlePluginStderr("
)

// readAtMost is for a plugin whose stderr somebody else holds.
const readAtMost = 5 * time.Second

// readToEnd waits until Stash has read all that the plugins wrote whose answers have been returned.
func readToEnd() {
	end := time.Now().Add(readAtMost)
	for isReading(goroutines()) && time.Now().Before(end) {
		<-time.After(time.Millisecond)
	}
}

// isReading tells from the stacks of all goroutines whether Stash reads from a plugin that is not at work.
func isReading(stacks string) bool {
	working, copying := 0, 0
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		head, frames, _ := strings.Cut(stack, "\n")
		switch {
		case strings.Contains(frames, waiter):
			top, _, _ := strings.Cut(frames, "\n")
			if !strings.Contains(head, "[chan receive") || !strings.Contains(top, waiter) {
				return true // it has the answer, and sees the process to its end
			}
			working++
		case strings.Contains(frames, copier):
			copying++
		case strings.Contains(frames, reader) && (!strings.Contains(head, "[select") || !strings.Contains(frames, "io.(*pipe).read(")):
			return true
		}
	}
	return copying > working
}

func goroutines() string {
	for size := 1 << 20; ; size *= 2 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size {
			return string(text[:n])
		}
	}
}
