package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Logging says which streams of a command are shown while it runs. Both are always kept as outputs.
type Logging string

const (
	logStdout          Logging = "stdout"
	logStderr          Logging = "stderr"
	logStdoutAndStderr Logging = "stdoutAndStderr"
	logNone            Logging = "none"
)

// Values lists what the SDK's type allows.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: "Stdout", Value: logStdout},
		{Name: "Stderr", Value: logStderr},
		{Name: "StdoutAndStderr", Value: logStdoutAndStderr},
		{Name: "None", Value: logNone},
	}
}

func (l *Logging) shows(stream Logging) bool {
	return l == nil || *l == stream || *l == logStdoutAndStderr
}

// maxLineBytes is where a shown line is broken: a message to the engine must not grow without bound.
const maxLineBytes = 16 << 10

// output keeps what a command prints: each stream alone for the outputs, both in order for the failure text.
type output struct {
	mutex                  sync.Mutex
	stdout, stderr, merged bytes.Buffer
}

// stream returns the writer for one stream, and what shows an unfinished last line.
func (o *output) stream(ctx context.Context, kept *bytes.Buffer, shown bool) (io.Writer, func()) {
	lines := &lineWriter{}
	if shown {
		logger := p.GetLogger(ctx)
		lines.show = func(line string) { logger.InfoStatus(line) }
	}
	return &streamWriter{output: o, kept: kept, lines: lines}, lines.flush
}

// failure is the text of a command that did not succeed: why, which one, what it printed.
func (o *output) failure(reason error, command string) error {
	return fmt.Errorf("%w: running %q:\n%s", reason, command, clean(o.merged.Bytes()))
}

// text is a stream as it goes into state: without the last newline, as the published provider does.
func text(kept *bytes.Buffer) string {
	return strings.TrimSuffix(clean(kept.Bytes()), "\n")
}

// clean makes bytes fit for a gRPC string, which must be UTF-8: otherwise the result of a command that has already
// run would be lost.
func clean(printed []byte) string { return strings.ToValidUTF8(string(printed), "\uFFFD") }

type streamWriter struct {
	output *output
	kept   *bytes.Buffer
	lines  *lineWriter
}

func (w *streamWriter) Write(printed []byte) (int, error) {
	w.output.mutex.Lock()
	w.kept.Write(printed)
	w.output.merged.Write(printed)
	w.output.mutex.Unlock()
	w.lines.write(printed)
	return len(printed), nil
}

// lineWriter shows whole lines. It never waits for an end of line for longer than maxLineBytes.
type lineWriter struct {
	show    func(string)
	pending []byte
}

func (w *lineWriter) write(printed []byte) {
	if w.show == nil {
		return
	}
	w.pending = append(w.pending, printed...)
	for {
		end := bytes.IndexByte(w.pending, '\n')
		switch {
		case end >= 0 && end <= maxLineBytes:
			w.show(clean(w.pending[:end]))
			w.pending = w.pending[end+1:]
		case len(w.pending) > maxLineBytes:
			w.show(clean(w.pending[:maxLineBytes]))
			w.pending = w.pending[maxLineBytes:]
		default:
			return
		}
	}
}

func (w *lineWriter) flush() {
	if len(w.pending) > 0 {
		w.show(clean(w.pending))
		w.pending = nil
	}
}
