package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
)

// textAtMost limits a text in a request, in bytes of JSON. Every text that is used is far shorter; a longer one is a
// picture.
const textAtMost = 64 << 10

// Serve answers Stash until Stash closes the pipe. It cuts long texts as they are read: Stash sends complete pictures,
// which decoding would copy several times.
func Serve(r *Runner, stdin io.ReadCloser, stdout io.WriteCloser) error {
	server := rpc.NewServer()
	if err := server.RegisterName("RPCRunner", r); err != nil {
		return err
	}
	server.ServeCodec(jsonrpc.NewServerCodec(pipe{shorten(stdin, textAtMost), stdin, stdout}))
	return nil
}

// pipe is both directions of the connection to Stash.
type pipe struct {
	io.Reader
	in io.Closer
	io.WriteCloser
}

func (p pipe) Close() error { return errors.Join(p.in.Close(), p.WriteCloser.Close()) }

// shortener reads JSON and cuts every text that is longer than limit. It appends a hash of what it cuts off, so that
// different texts stay different.
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

func shorten(from io.Reader, limit int) *shortener {
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
