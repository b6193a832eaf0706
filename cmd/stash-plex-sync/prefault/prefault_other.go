//go:build !linux

// Package prefault does nothing on systems other than Linux.
package prefault
