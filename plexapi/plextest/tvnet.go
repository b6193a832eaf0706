package plextest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// tvHosts are the names of plex.tv that its API uses.
var tvHosts = []string{"plex.tv", "clients.plex.tv"}

// A TVNet is a proxy on 127.0.0.1 that leads to a TV. It has certificates for plex.tv of an authority of its own, so that a
// client reaches the TV under the real names over TLS: with the proxy in HTTPS_PROXY and the authority in SSL_CERT_FILE.
type TVNet struct {
	listener net.Listener
	config   *tls.Config
	handler  http.Handler
	root     []byte // PEM
	conns    sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	asked    []string // hosts that clients asked for
}

// Start starts a proxy that leads to t. Its certificates are valid from begin to end.
func (t *TV) Start(begin, end time.Time) (*TVNet, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "plextest"}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "plex.tv"}, DNSNames: tvHosts, NotBefore: begin, NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &leafKey.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &TVNet{
		listener: listener, handler: t, open: make(map[net.Conn]bool),
		config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}}},
		root:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}),
	}
	n.conns.Go(n.accept)
	return n, nil
}

// URL returns the address of the proxy.
func (n *TVNet) URL() string { return "http://" + n.listener.Addr().String() }

// Authority returns the certificate that signs those of plex.tv, as PEM.
func (n *TVNet) Authority() []byte { return n.root }

// Asked returns the hosts that clients asked the proxy for.
func (n *TVNet) Asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// Stop stops the proxy and cuts its connections.
func (n *TVNet) Stop() {
	n.listener.Close()
	n.mu.Lock()
	for c := range n.open {
		c.Close()
	}
	n.mu.Unlock()
	n.conns.Wait()
}

func (n *TVNet) accept() {
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.mu.Lock()
		n.open[c] = true
		n.mu.Unlock()
		n.conns.Go(func() {
			n.serve(c)
			n.mu.Lock()
			delete(n.open, c)
			n.mu.Unlock()
		})
	}
}

// serve answers a CONNECT request, then serves the TV over TLS. It connects to no other host.
func (n *TVNet) serve(c net.Conn) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	host, _, _ := net.SplitHostPort(r.Host)
	n.mu.Lock()
	n.asked = append(n.asked, r.Host)
	n.mu.Unlock()
	if r.Method != http.MethodConnect || !slices.Contains(tvHosts, host) {
		c.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
		return
	}
	c.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	one := &oneConn{conn: tls.Server(c, n.config), done: make(chan struct{})}
	srv := &http.Server{Handler: n.handler, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			one.Close()
		}
	}}
	srv.Serve(one) // it ends with the connection
}

// oneConn is a listener for one connection.
type oneConn struct {
	conn  net.Conn
	once  sync.Once
	ended sync.Once
	done  chan struct{}
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.conn })
	if c != nil {
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.ended.Do(func() { close(l.done) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }
