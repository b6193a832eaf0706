package plexapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// A value is a piece of valid JSON: encoding/json has found its end. The methods parse it by hand because encoding/json
// would scan each row of a complete library once per level.
type value []byte

// fields calls f with each name and value of an object, in order, and never for null.
func (v value) fields(f func(name []byte, v value) error) error {
	switch v = v.trim(); {
	case string(v) == "null":
		return nil
	case v[0] != '{':
		return fmt.Errorf("%w: expected an object", errShape)
	}
	for v = v[1:].trim(); v[0] != '}'; v = v.next() {
		name, rest := v.split()
		of, rest := rest.trim()[1:].trim().split() // after the colon
		text, err := name.text()
		if err == nil {
			err = f(text, of)
		}
		if err != nil {
			return err
		}
		v = rest
	}
	return nil
}

// elements calls f with each element of a list or with a single value, and never for null.
func (v value) elements(f func(value) error) error {
	switch v = v.trim(); {
	case string(v) == "null":
		return nil
	case v[0] != '[':
		return f(v)
	}
	for v = v[1:].trim(); v[0] != ']'; v = v.next() {
		one, rest := v.split()
		if err := f(one); err != nil {
			return err
		}
		v = rest
	}
	return nil
}

// next returns the rest after a comma, or the end.
func (v value) next() value {
	if v = v.trim(); v[0] == ',' {
		v = v[1:].trim()
	}
	return v
}

// trim removes leading space.
func (v value) trim() value {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\n' || v[0] == '\t' || v[0] == '\r') {
		v = v[1:]
	}
	return v
}

// split returns the first value and the rest.
func (v value) split() (first, rest value) {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			for i++; v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 { // the end of the object or list that contains a number
				return v[:i], v[i:]
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return v[:i], v[i:]
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return v[:i+1], v[i+1:]
		}
	}
	return v, nil
}

// text returns the content of a JSON string.
func (v value) text() ([]byte, error) {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner, nil
	}
	var text string
	err := json.Unmarshal(v, &text)
	return []byte(text), err
}

func (v value) string(to *string) error {
	var s flexString
	err := s.UnmarshalJSON(v)
	*to = string(s)
	return err
}

func (v value) int(to *int64) error {
	var n flexInt
	err := n.UnmarshalJSON(v)
	*to = int64(n)
	return err
}

func (v value) hint() int64 {
	var n hint
	n.UnmarshalJSON(v) // it accepts everything
	return int64(n)
}

func (v value) bool() bool {
	var b flexBool
	b.UnmarshalJSON(v) // it accepts everything
	return bool(b)
}

// isTime reports whether a value is a time, and not 0 or absent. A time may have any form.
func (v value) isTime() bool {
	var n flexInt
	return n.UnmarshalJSON(v) != nil || n != 0
}
