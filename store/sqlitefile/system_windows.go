package sqlitefile

import (
	"io/fs"
	"syscall"
)

// ownedByUs reports true: Windows does not tell a file's owner this way.
func ownedByUs(fs.FileInfo) bool { return true }

// Windows' own numbers: those of its names in package syscall that are known elsewhere are made up by Go, and no system call
// returns them.
const (
	errorWriteProtect     = syscall.Errno(19)
	errorSharingViolation = syscall.Errno(32)
	errorHandleDiskFull   = syscall.Errno(39)
	errorDiskFull         = syscall.Errno(112)
)

// isFull reports whether the system refused to write because there is no room.
func isFull(err error) bool { return isOneOf(err, errorDiskFull, errorHandleDiskFull) }

// isInUse reports whether the system refused to move a file because somebody has it open.
func isInUse(err error) bool { return isOneOf(err, errorSharingViolation) }

// isReadOnly reports whether the system refused to write to such a disk.
func isReadOnly(err error) bool { return isOneOf(err, errorWriteProtect) }
