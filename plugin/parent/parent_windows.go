package parent

import (
	"os"
	"syscall"
)

// gone returns a function that reports whether the process that started this one has ended. It uses a handle,
// because Windows may reuse the parent's process id. A parent that cannot be opened counts as running: a failed write to
// the log still shows that it has ended.
func gone() func() bool {
	handle, err := syscall.OpenProcess(syscall.SYNCHRONIZE, false, uint32(os.Getppid()))
	if err != nil {
		return func() bool { return false }
	}
	return func() bool {
		ended, err := syscall.WaitForSingleObject(handle, 0)
		return err == nil && ended == syscall.WAIT_OBJECT_0
	}
}
