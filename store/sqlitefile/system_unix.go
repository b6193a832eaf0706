//go:build unix

package sqlitefile

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs reports whether the file is this user's own.
func ownedByUs(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Geteuid()
}

// isFull reports whether the system refused to write because there is no room.
func isFull(err error) bool { return isOneOf(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG) }

// isInUse reports false: a file that somebody has open may be moved.
func isInUse(error) bool { return false }

// isReadOnly reports whether the system refused to write to such a disk.
func isReadOnly(err error) bool { return isOneOf(err, syscall.EROFS) }
