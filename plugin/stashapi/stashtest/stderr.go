package stashtest

import (
	"runtime"
	"strings"
	"time"
)

// Frames of Stash's goroutines that read a plugin's stderr, which may go on after its answer has been returned.
const (
	waiter = "stash/pkg/plugin.(*rpcPluginTask).waitToFinish("
	copier = "os/exec.(*Cmd).writerDescriptor." // copies the output of a process
	reader = "stash/pkg/plugin.(*pluginTask).handlePluginStderr("
)

// readAtMost is the limit for a plugin whose stderr another process keeps open.
const readAtMost = 5 * time.Second

// readToEnd waits until Stash has read the stderr of all plugins that have answered.
func readToEnd() {
	end := time.Now().Add(readAtMost)
	for isReading(goroutines()) && time.Now().Before(end) {
		<-time.After(time.Millisecond)
	}
}

// isReading reports, from the stacks of all goroutines, whether Stash still reads from a plugin that has answered.
func isReading(stacks string) bool {
	working, copying := 0, 0
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		head, frames, _ := strings.Cut(stack, "\n")
		switch {
		case strings.Contains(frames, waiter):
			top, _, _ := strings.Cut(frames, "\n")
			if !strings.Contains(head, "[chan receive") || !strings.Contains(top, waiter) {
				return true // it has the answer, and waits for the end of the process
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
