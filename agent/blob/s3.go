package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/emprops/machinectl/nettext"
)

// partSize is the size of a part of a large file's upload, in bytes: the minimum that S3 allows. One part is in memory at a
// time, two while one is sent. S3 allows 10,000 parts, so the largest file is 48 GiB.
const partSize = 5 << 20

// bucket is a store in S3.
type bucket struct {
	name   string
	upload *transfermanager.Client
}

func openS3(ctx context.Context, u *url.URL) (*Store, error) {
	if u.Host == "" {
		return nil, errors.New("want the bucket's name after two slashes, s3://bucket")
	}
	q := u.Query()
	if name := unknown(q, "region", "endpoint", "path_style"); name != "" {
		return nil, fmt.Errorf("S3 has no option %q; it has: region, endpoint, path_style", name)
	}
	pathStyle := false
	if text := q.Get("path_style"); text != "" {
		var err error
		if pathStyle, err = strconv.ParseBool(text); err != nil {
			return nil, fmt.Errorf("path_style=%s: want true or false", text)
		}
	}
	loaded, err := config.LoadDefaultConfig(ctx, func(o *config.LoadOptions) error {
		o.Region = q.Get("region")
		return nil
	})
	if err != nil {
		return nil, err
	}
	if loaded.Region == "" {
		return nil, errors.New("no region: add ?region=… or set AWS_REGION")
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		if endpoint := q.Get("endpoint"); endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	s := &Store{base: &url.URL{Scheme: "s3", Host: u.Host, Path: "/"}, prefix: strings.TrimPrefix(path.Clean("/"+u.Path), "/")}
	if s.prefix != "" {
		s.prefix += "/"
	}
	s.driver = bucket{u.Host, transfermanager.New(client, func(o *transfermanager.Options) {
		o.PartSizeBytes = partSize
		o.MultipartUploadThreshold = partSize
		o.Concurrency = 1
	})}
	return s, nil
}

func (b bucket) put(ctx context.Context, key, contentType string, r io.Reader) error {
	_, err := b.upload.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: aws.String(b.name), Key: aws.String(key), ContentType: aws.String(contentType), Body: r,
	})
	said, lasting := refusal(err)
	switch {
	case said == "":
		return nettext.Explain(err)
	case lasting:
		return &refusedError{store: "s3://" + b.name, said: said}
	default:
		return fmt.Errorf("s3://%s answers: %s", b.name, said)
	}
}

// passing are the codes of S3's temporary refusals, such as of a wrong clock or of credentials that are about to be renewed.
var passing = []string{"RequestTimeTooSkewed", "ExpiredToken", "TokenRefreshRequired", "RequestTimeout", "SlowDown", "OperationAborted"}

// refusal returns the server's explanation of an error that it answered with, or "". lasting reports whether another attempt
// would be refused too, such as for the credentials, the bucket or the size.
func refusal(err error) (said string, lasting bool) {
	answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	if !ok || answer.HTTPStatusCode() == 0 {
		return "", false
	}
	status := answer.HTTPStatusCode()
	said = fmt.Sprintf("status %d", status)
	lasting = status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusConflict &&
		status != http.StatusTooManyRequests
	if e, ok := errors.AsType[interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}](err); ok {
		said = fmt.Sprintf("%s (%s)", e.ErrorCode(), e.ErrorMessage())
		lasting = lasting && !slices.Contains(passing, e.ErrorCode())
	}
	return said, lasting
}
