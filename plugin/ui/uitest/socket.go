package uitest

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// A message of the protocol graphql-transport-ws.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// A socket is one connection of a page, with its subscriptions.
type socket struct {
	conn net.Conn
	mu   sync.Mutex // of writing
	ends map[string]context.CancelFunc
}

// subscriptions serves subscriptions over a websocket.
func (f *front) subscriptions(w http.ResponseWriter, r *http.Request) {
	up := ws.HTTPUpgrader{Protocol: func(name string) bool { return name == "graphql-transport-ws" }}
	conn, _, _, err := up.Upgrade(r, w)
	if err != nil {
		return // it has been answered
	}
	defer conn.Close()
	f.sockets.Store(conn, nil)
	defer f.sockets.Delete(conn)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &socket{conn: conn, ends: make(map[string]context.CancelFunc)}
	for {
		data, err := wsutil.ReadClientText(conn)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(data, &m) != nil {
			return
		}
		switch m.Type {
		case "connection_init":
			s.send(message{Type: "connection_ack"})
		case "ping":
			s.send(message{Type: "pong"})
		case "complete":
			if end := s.ends[m.ID]; end != nil {
				end()
			}
		case "subscribe":
			events, end := context.WithCancel(ctx)
			s.ends[m.ID] = end
			go f.subscribe(events, s, m)
		}
	}
}

// Disconnect ends the websockets of all pages, which then connect again.
func (w *World) Disconnect() {
	w.front.sockets.Range(func(conn, _ any) bool { return conn.(net.Conn).Close() == nil })
}

// subscribe sends the events of one subscription.
func (f *front) subscribe(ctx context.Context, s *socket, m message) {
	var in struct {
		OperationName, Query string
		Variables            map[string]any
	}
	err := json.Unmarshal(m.Payload, &in)
	if err == nil {
		err = f.w.Stash.Subscribe(ctx, in.OperationName, in.Query, in.Variables, func(data map[string]any) {
			s.send(message{Type: "next", ID: m.ID, Payload: encode(map[string]any{"data": data})})
		})
	}
	if err != nil {
		s.send(message{Type: "error", ID: m.ID, Payload: encode([]map[string]any{{"message": err.Error()}})})
	}
}

func encode(v any) json.RawMessage {
	text, _ := json.Marshal(v) // of maps and texts only
	return text
}

func (s *socket) send(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wsutil.WriteServerText(s.conn, encode(m)) // the page may be gone
}
