//go:build unix

package sqlitefile

import (
	"io/fs"
	"os"
	"syscall"
)

// The users that owners are compared with. Tests replace them.
var (
	thisUser = os.Geteuid
	ownerOf  = func(fi fs.FileInfo) int {
		if st, ok := fi.Sys().(*syscall.Stat_t); ok {
			return int(st.Uid)
		}
		return thisUser()
	}
)

// isOwn reports whether this user owns a file.
func isOwn(fi fs.FileInfo) bool { return ownerOf(fi) == thisUser() }

// isTrusted reports whether no other user owns a file. Root can do everything with every file, so root
// trusts all of them.
func isTrusted(fi fs.FileInfo) bool { return thisUser() == 0 || isOwn(fi) }

// isClosed reports whether the mode of a file allows other users nothing.
func isClosed(fi fs.FileInfo) bool { return fi.Mode().Perm()&0o077 == 0 }

// isWritable reports whether the mode of a file allows other users to write.
func isWritable(fi fs.FileInfo) bool { return fi.Mode().Perm()&0o022 != 0 }

// isFull reports whether the disk or a quota is full.
func isFull(err error) bool { return isOneOf(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG) }

// isInUse reports false: an open file can be moved.
func isInUse(error) bool { return false }

// isReadOnly reports whether the disk is read-only.
func isReadOnly(err error) bool { return isOneOf(err, syscall.EROFS) }
