package ops

import "testing"

func TestNoNameIsThatOfTwoOperations(t *testing.T) {
	n := 0
	for _, some := range parts() {
		n += len(some)
	}
	if all := All(); len(all) != n {
		t.Errorf("%d operations have %d names", n, len(all))
	}
}
