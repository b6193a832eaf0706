package lists

import "fmt"

// An Error means that a cursor was used that no page of the same list and order returned.
type Error struct{ Cursor string }

func (e *Error) Error() string {
	return fmt.Sprintf("the cursor %q is of no page of this list in this order", e.Cursor)
}

// format returns the cursor of the page that ends with a row.
func (f Filter) format(k key) string {
	return fmt.Sprintf("%s%d/%d/%d", f.prefix(), k.attempts, k.at, k.scene)
}

func (f Filter) prefix() string {
	if f.Attempts {
		return string(f.Kind) + "/attempts/"
	}
	return string(f.Kind) + "/time/"
}

// parse returns the row that a cursor names; nil for "". It accepts only what format returns.
func (f Filter) parse(cursor string) (*key, error) {
	if cursor == "" {
		return nil, nil
	}
	var k key
	_, err := fmt.Sscanf(cursor, f.prefix()+"%d/%d/%d", &k.attempts, &k.at, &k.scene)
	if err != nil || f.format(k) != cursor {
		return nil, &Error{cursor}
	}
	return &k, nil
}
