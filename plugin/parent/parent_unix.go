//go:build unix

package parent

import "os"

// gone returns a function that reports whether the process that started this one has ended: this one then has
// another parent.
func gone() func() bool {
	parent := os.Getppid()
	return func() bool { return os.Getppid() != parent }
}
