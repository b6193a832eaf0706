package plugin

import (
	"os"
	"syscall"
)

// parentGone returns a function that reports whether the process that started this one has ended. Windows
// keeps the number of such a parent, and may give it to another process: so it is asked by a handle. A parent
// that may not be asked counts as alive: a failing write to the log still tells of its end.
func parentGone() func() bool {
	handle, err := syscall.OpenProcess(syscall.SYNCHRONIZE, false, uint32(os.Getppid()))
	if err != nil {
		return func() bool { return false }
	}
	return func() bool {
		ended, err := syscall.WaitForSingleObject(handle, 0)
		return err == nil && ended == syscall.WAIT_OBJECT_0
	}
}
