package main

import "os"

// umask does nothing: on Windows a new file has the rights of its folder.
func umask(int) int { return 0 }

// notifyOfExits does nothing: Windows does not tell of it.
func notifyOfExits(chan<- os.Signal) {}
