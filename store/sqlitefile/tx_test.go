package sqlitefile

import (
	"testing"
)

func TestJSONListOfNothingIsAnEmptyList(t *testing.T) {
	if text := JSONList[string](nil); text != "[]" {
		t.Errorf("an empty list is %s, which json_each reads as a row", text)
	}
}
