package plextest

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// SendAgain sends requests one after the other over a new connection, discards the answers, and returns the duration. It
// first calls Forget.
func (s *Server) SendAgain(requests []Request) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	s.Forget()
	begin := time.Now()
	for _, sent := range requests {
		r, err := http.NewRequest(sent.Method, s.URL()+sent.Path+"?"+sent.Query, nil)
		if err != nil {
			return 0, err
		}
		r.Header = sent.Header.Clone()
		r.Header.Set("X-Plex-Token", s.Token)
		res, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		if res.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("send %s %s again: %s", sent.Method, sent.Path, res.Status)
		}
	}
	return time.Since(begin), nil
}
