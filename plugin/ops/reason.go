package ops

import "encoding/json"

// A Reason says why something is so: a code with its parameters for programs, and sentences for people.
type Reason struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params"`
	Text   string            `json:"text"`
	Remedy string            `json:"remedy"`
}

// reasonOf returns the reason of a stored failure; nil if there was none. stored is the JSON of its code and parameters;
// without it, as in a queue of an earlier version, the class is the code.
func reasonOf(class, stored, text string) *Reason {
	if class == "" && text == "" {
		return nil
	}
	r := Reason{Text: text}
	if json.Unmarshal([]byte(stored), &r) != nil || r.Code == "" { // a damaged one counts as none
		r.Code = class
	}
	if r.Params == nil {
		r.Params = map[string]string{}
	}
	r.Text = text
	return &r
}
