//go:build unix

package sqlitefile

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs reports whether this user owns the file.
func ownedByUs(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Geteuid()
}

// isFull reports whether the disk or a quota is full.
func isFull(err error) bool { return isOneOf(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG) }

// isInUse reports false: an open file can be moved.
func isInUse(error) bool { return false }

// isReadOnly reports whether the disk is read-only.
func isReadOnly(err error) bool { return isOneOf(err, syscall.EROFS) }
