package prefault

import "testing"

func TestVariablesAreTheFirstPrivatePagesOfAFileThatMayBeWritten(t *testing.T) {
	for line, want := range map[string]struct {
		from, size uintptr
		ok         bool
	}{
		"01151000-011dd000 rw-p 00d51000 fe:00 247026                     /a/with spaces\n": {0x1151000, 0x8c000, true},
		"00400000-00ab7000 r-xp 00000000 fe:00 247026                     /a/program\n":     {},
		"011dd000-03228000 rw-p 00000000 00:00 0 \n":                                        {},
		"011dd000-03228000 rw-p 00000000 00:00 0                          [heap]\n":         {},
		"00400000-00ab7000 rw-s 00000000 fe:00 247026                     /a/program\n":     {},
		"00ab7000-00400000 rw-p 00000000 fe:00 247026                     /a/program\n":     {},
		"00400000-00ab70":         {},
		"x-y rw-p 0 fe:00 1 /a\n": {},
		"1-2-3 rw-p 0 f:0 1 /a\n": {},
		"":                        {},
	} {
		from, size, ok := variables([]byte(line))
		if ok != want.ok || ok && (from != want.from || size != want.size) {
			t.Errorf("%q: %x, %x bytes, ok %v", line, from, size, ok)
		}
	}
}
