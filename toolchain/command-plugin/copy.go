package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// CopyToRemote is command:remote:CopyToRemote: a file, a text or a directory put on another machine over SFTP.
type CopyToRemote struct{}

// CopyToRemoteInputs are its inputs; state is the same.
type CopyToRemoteInputs struct {
	Connection Connection           `pulumi:"connection" provider:"secret"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
}

// CopyToRemoteState is what is kept of it.
type CopyToRemoteState struct {
	CopyToRemoteInputs
}

// Annotate names the resource as the SDK does.
func (*CopyToRemote) Annotate(a infer.Annotator) { a.SetToken("remote", "CopyToRemote") }

// Check accepts only sources that lie on this machine or in the program.
func (*CopyToRemote) Check(
	ctx context.Context, req infer.CheckRequest,
) (infer.CheckResponse[CopyToRemoteInputs], error) {
	inputs, failures, err := infer.DefaultCheck[CopyToRemoteInputs](ctx, req.NewInputs)
	asset, archive := inputs.Source.Asset, inputs.Source.Archive
	if (asset != nil && !asset.IsPath() && !asset.IsText()) || (archive != nil && !archive.IsPath()) {
		failures = append(failures, p.CheckFailure{
			Property: "source", Reason: "must be a FileAsset, a StringAsset or a FileArchive with a path",
		})
	}
	return infer.CheckResponse[CopyToRemoteInputs]{Inputs: inputs, Failures: failures}, err
}

// Create copies.
func (*CopyToRemote) Create(
	ctx context.Context, req infer.CreateRequest[CopyToRemoteInputs],
) (infer.CreateResponse[CopyToRemoteState], error) {
	state := CopyToRemoteState{req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun {
		err = req.Inputs.copy(ctx)
	}
	return infer.CreateResponse[CopyToRemoteState]{ID: id, Output: state}, err
}

// Update copies again when the content or the place changed. A change of the connection alone is only noted.
func (*CopyToRemote) Update(
	ctx context.Context, req infer.UpdateRequest[CopyToRemoteInputs, CopyToRemoteState],
) (infer.UpdateResponse[CopyToRemoteState], error) {
	var err error
	moved := req.Inputs.RemotePath != req.State.RemotePath || req.Inputs.hash() != req.State.hash()
	if moved && !req.DryRun {
		err = req.Inputs.copy(ctx)
	}
	return infer.UpdateResponse[CopyToRemoteState]{Output: CopyToRemoteState{req.Inputs}}, err
}

func (in CopyToRemoteInputs) hash() string {
	switch {
	case in.Source.Asset != nil:
		return in.Source.Asset.Hash
	case in.Source.Archive != nil:
		return in.Source.Archive.Hash
	}
	return ""
}

func (in CopyToRemoteInputs) copy(ctx context.Context) error {
	ctx, finished := untilStopped(ctx)
	defer finished()
	client, closeAll, err := in.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	// SFTP knows no context: closing the connection ends it.
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	files, err := sftp.NewClient(client)
	if err != nil {
		return fmt.Errorf("sftp on %s: %w", in.Connection.address(), err)
	}
	defer func() { _ = files.Close() }()
	if err := in.put(files); err != nil {
		return fmt.Errorf("copying to %s on %s: %w", in.RemotePath, in.Connection.address(), errors.Join(err, ctx.Err()))
	}
	return nil
}

func (in CopyToRemoteInputs) put(files *sftp.Client) error {
	asset, archive := in.Source.Asset, in.Source.Archive
	switch {
	case asset != nil && asset.IsText():
		if there, err := stat(files, in.RemotePath); err != nil {
			return err
		} else if there != nil && there.IsDir() {
			return errors.New("is a directory: with a text as source, remotePath must name the file")
		}
		return putContent(files, strings.NewReader(asset.Text), in.RemotePath)
	case asset != nil:
		return putPath(files, asset.Path, in.RemotePath)
	case archive != nil:
		return putPath(files, archive.Path, in.RemotePath)
	}
	return errors.New("no source")
}

// putPath copies a file to the path, or into it when that is a directory; a directory always into it, its content
// alone when the source ends in a slash.
func putPath(files *sftp.Client, source, target string) error {
	from, err := os.Stat(source)
	if err != nil {
		return err
	}
	there, err := stat(files, target)
	if err != nil {
		return err
	}
	if !from.IsDir() {
		if there != nil && there.IsDir() {
			target = path.Join(target, filepath.Base(source))
		}
		return putFile(files, source, target)
	}
	if there != nil && !there.IsDir() {
		return errors.New("is a file: a directory cannot be copied onto it")
	}
	if !strings.HasSuffix(source, "/") {
		target = path.Join(target, filepath.Base(source))
	}
	return fs.WalkDir(os.DirFS(source), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return files.MkdirAll(path.Join(target, name))
		}
		return putFile(files, filepath.Join(source, name), path.Join(target, name))
	})
}

func putFile(files *sftp.Client, source, target string) error {
	content, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	return putContent(files, content, target)
}

func putContent(files *sftp.Client, content io.Reader, target string) error {
	if err := files.MkdirAll(path.Dir(target)); err != nil {
		return err
	}
	remote, err := files.Create(target)
	if err != nil {
		return err
	}
	_, err = remote.ReadFrom(content)
	return errors.Join(err, remote.Close())
}

// stat gives nil for what is not there.
func stat(files *sftp.Client, name string) (fs.FileInfo, error) {
	info, err := files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}
