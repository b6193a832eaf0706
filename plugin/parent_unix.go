//go:build unix

package plugin

import "os"

// parentGone returns a function that reports whether the process that started this one has ended: this one then has
// another parent.
func parentGone() func() bool {
	parent := os.Getppid()
	return func() bool { return os.Getppid() != parent }
}
