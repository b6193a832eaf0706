// Package shorten cuts long texts in JSON while it is read.
package shorten

import (
	"bytes"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
)

// shortener is the reader that Texts returns.
type shortener struct {
	from  io.Reader
	limit int

	buffer []byte
	ready  bytes.Buffer // to be read

	inside  bool        // a text
	length  int         // of the text up to here
	escaped int         // how many bytes of an escape are left; afterBackslash: not known yet
	cut     bool        // the text is longer than limit
	rest    hash.Hash64 // of what was cut off
}

const afterBackslash = -1

// Texts returns a reader of JSON that cuts every text that is longer than limit bytes of JSON. It appends a hash of what it
// cuts off, so that different texts stay different.
func Texts(from io.Reader, limit int) io.Reader {
	return &shortener{from: from, limit: limit, buffer: make([]byte, 32<<10), rest: fnv.New64a()}
}

func (s *shortener) Read(p []byte) (int, error) {
	for s.ready.Len() == 0 {
		n, err := s.from.Read(s.buffer)
		s.take(s.buffer[:n])
		if s.ready.Len() == 0 && err != nil {
			return 0, err
		}
	}
	return s.ready.Read(p)
}

func (s *shortener) take(p []byte) {
	for len(p) > 0 {
		var n int
		if s.inside {
			n = s.text(p)
		} else {
			outside, _, _ := bytes.Cut(p, []byte{'"'})
			n = len(outside)
			s.ready.Write(outside) // a buffer never fails
		}
		p = p[n:]
		if len(p) > 0 { // a quote
			s.turn()
			p = p[1:]
		}
	}
}

// turn handles a quote, which begins or ends a text.
func (s *shortener) turn() {
	if s.cut {
		fmt.Fprintf(&s.ready, "%016x", s.rest.Sum64()) // a buffer never fails
	}
	s.ready.WriteByte('"') // a buffer never fails
	s.inside, s.length, s.cut = !s.inside, 0, false
	s.rest.Reset()
}

// text handles the part of p that belongs to a text, up to its closing quote, and returns the length of that part.
func (s *shortener) text(p []byte) int {
	kept, n := 0, 0
	for ; n < len(p) && (s.escaped != 0 || p[n] != '"'); n++ {
		s.cut = s.cut || s.escaped == 0 && s.length >= s.limit
		switch {
		case s.escaped == afterBackslash && p[n] == 'u':
			s.escaped = 4
		case s.escaped == afterBackslash:
			s.escaped = 0
		case s.escaped > 0:
			s.escaped--
		case p[n] == '\\':
			s.escaped = afterBackslash
		}
		s.length++
		if !s.cut {
			kept = n + 1
		}
	}
	s.ready.Write(p[:kept]) // a buffer never fails
	s.rest.Write(p[kept:n]) // a hash never fails
	return n
}
