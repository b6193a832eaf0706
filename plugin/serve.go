package plugin

import (
	"errors"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/shorten"
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
	server.ServeCodec(jsonrpc.NewServerCodec(pipe{shorten.Texts(stdin, textAtMost), stdin, stdout}))
	return nil
}

// pipe is both directions of the connection to Stash.
type pipe struct {
	io.Reader
	in io.Closer
	io.WriteCloser
}

func (p pipe) Close() error { return errors.Join(p.in.Close(), p.WriteCloser.Close()) }
