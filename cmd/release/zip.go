package main

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// An entry is a file in a zip. If packed is set, its data is the file named as in that zip.
type entry struct {
	name       string
	mode       fs.FileMode
	data       []byte
	packed, as string
}

// writeZip writes entries in their order, all with the same time.
func writeZip(date time.Time, path string, entries []entry) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := zip.NewWriter(f)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, e := range entries {
		if err := e.write(w, date); err != nil {
			return errors.Join(fmt.Errorf("pack %s: %w", e.name, err), f.Close())
		}
	}
	return errors.Join(w.Close(), f.Close())
}

func (e entry) write(w *zip.Writer, date time.Time) error {
	if e.packed != "" {
		return e.copy(w)
	}
	header := zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: date}
	header.SetMode(e.mode) // without a mode Stash creates the file with 0600
	out, err := w.CreateHeader(&header)
	if err != nil {
		return err
	}
	_, err = out.Write(e.data)
	return err
}

// copy copies an entry from another zip without compressing it again.
func (e entry) copy(w *zip.Writer) error {
	from, err := zip.OpenReader(e.packed)
	if err != nil {
		return err
	}
	defer from.Close() // it was only read
	for _, f := range from.File {
		if f.Name != e.as {
			continue
		}
		header := f.FileHeader
		header.Name = e.name
		out, err := w.CreateRaw(&header)
		if err != nil {
			return err
		}
		in, err := f.OpenRaw()
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return err
	}
	return fmt.Errorf("%s does not contain %s", e.packed, e.as)
}
