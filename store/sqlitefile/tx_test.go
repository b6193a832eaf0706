package sqlitefile

import (
	"testing"
)

func TestJSONListOfNothingIsAnEmptyList(t *testing.T) {
	if text := JSONList(nil); text != "[]" {
		t.Errorf("an empty list is %s: json_each reads a row of it", text)
	}
}
