//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// umask sets which rights new files do not get, and returns what was set before.
func umask(mask int) int { return syscall.Umask(mask) }

// notifyOfExits sends to c when a child has ended.
func notifyOfExits(c chan<- os.Signal) { signal.Notify(c, syscall.SIGCHLD) }
