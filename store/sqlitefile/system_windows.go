package sqlitefile

import (
	"io/fs"
	"syscall"
)

// Windows reports neither owners nor rights here. A new folder inherits the rights of the folder that it is in.

func isOwn(fs.FileInfo) bool { return true }

func isTrusted(fs.FileInfo) bool { return true }

func isClosed(fs.FileInfo) bool { return true }

func isWritable(fs.FileInfo) bool { return false }

// Numbers of Windows itself. Package syscall invents the numbers of names that other systems share, and no system call
// returns them.
const (
	errorWriteProtect     = syscall.Errno(19)
	errorSharingViolation = syscall.Errno(32)
	errorHandleDiskFull   = syscall.Errno(39)
	errorDiskFull         = syscall.Errno(112)
)

// isFull reports whether the disk or a quota is full.
func isFull(err error) bool { return isOneOf(err, errorDiskFull, errorHandleDiskFull) }

// isInUse reports whether the file is open in another process.
func isInUse(err error) bool { return isOneOf(err, errorSharingViolation) }

// isReadOnly reports whether the disk is read-only.
func isReadOnly(err error) bool { return isOneOf(err, errorWriteProtect) }
