package plexapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Plex sends numbers as numbers or strings, booleans as true, 1 or "1", and one element without its list, depending on
// version and route. These types accept all forms and return an error for anything else.

type flexString string

func (s *flexString) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		text, err := value(b).text()
		*s = flexString(text)
		return err
	case string(b) == "null":
		return nil
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return fmt.Errorf("%w: expected a string", errShape)
	}
	*s = flexString(b) // a number or a boolean, unchanged
	return nil
}

type flexInt int64

func (n *flexInt) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `" `)
	switch text {
	case "", "null", "false":
		return nil
	case "true":
		*n = 1
		return nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = flexInt(i)
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<53 {
		return fmt.Errorf("%w: expected a number", errShape)
	}
	*n = flexInt(f)
	return nil
}

// hint is an optional number. An invalid one is 0, so that it does not fail the listing of a library.
type hint int64

func (n *hint) UnmarshalJSON(b []byte) error {
	var v flexInt
	if v.UnmarshalJSON(b) == nil {
		*n = hint(v)
	}
	return nil
}

// flexRating is a number from 0 to 10, or nil. A number out of range is nil, because no request could restore it.
type flexRating struct{ value *float64 }

func (f *flexRating) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `" `)
	if text == "" || text == "null" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%w: expected a number", errShape)
	}
	if v >= 0 && v <= 10 {
		f.value = &v
	}
	return nil
}

type flexBool bool

func (v *flexBool) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `" `)) {
	case "true", "1", "yes":
		*v = true
	}
	return nil
}

// list accepts a list, a single element, or null.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	switch trimmed := bytes.TrimSpace(b); {
	case string(trimmed) == "null":
		return nil
	case len(trimmed) > 0 && trimmed[0] == '[':
		return json.Unmarshal(b, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

// ignored discards a value.
type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

// container decodes {"MediaContainer": …} into out.
func container(r io.Reader, out any) error {
	var outer struct {
		MediaContainer json.RawMessage `json:"MediaContainer"`
	}
	if err := json.NewDecoder(r).Decode(&outer); err != nil {
		return shape(err)
	}
	if len(outer.MediaContainer) == 0 || outer.MediaContainer[0] != '{' {
		return fmt.Errorf("%w: no MediaContainer", errShape)
	}
	if err := json.Unmarshal(outer.MediaContainer, out); err != nil {
		return shape(err)
	}
	return nil
}

// shape marks a decoding error, to distinguish it from an error of the connection.
func shape(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	if syntax || kind {
		return fmt.Errorf("%w: %w", errShape, err)
	}
	return err
}
