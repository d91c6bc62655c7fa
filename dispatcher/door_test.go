package dispatcher_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher"
)

// TestDoorsThatStayShut: a dispatcher that would let in everybody or nobody doesn't start, and the error tells what to do.
func TestDoorsThatStayShut(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writeCertificate(t, cert, key, "one")
	for _, tc := range []struct {
		change func(*dispatcher.Options)
		says   string
	}{
		{func(o *dispatcher.Options) { o.AdminToken = "" }, "make one with `openssl rand -hex 32"},
		{func(o *dispatcher.Options) { o.Listen = ":0" }, "give -tls-cert and -tls-key, or listen on 127.0.0.1"},
		{func(o *dispatcher.Options) { o.Listen = "0.0.0.0:0" }, "without TLS tokens can be read"},
		{func(o *dispatcher.Options) { o.Listen = "example.com:0" }, "without TLS tokens can be read"},
		{func(o *dispatcher.Options) { o.TLSCert = cert }, "belong together"},
		{func(o *dispatcher.Options) { o.TLSCert, o.TLSKey = cert, cert }, "can't be used together"},
		{func(o *dispatcher.Options) { o.TLSCert, o.TLSKey = filepath.Join(dir, "none"), key }, "no such file"},
		{func(o *dispatcher.Options) { o.AdminToken, o.AdminTokenFile = "", filepath.Join(dir, "none") }, "no such file"},
	} {
		o := dispatcher.Options{Listen: "127.0.0.1:0", AdminToken: adminToken, Redis: "redis://127.0.0.1:1", NomadAddr: "http://127.0.0.1:1"}
		tc.change(&o)
		require.ErrorContains(t, dispatcher.Run(t.Context(), o), tc.says)
	}
}

// TestCertificateIsReplaced: the dispatcher serves a new certificate without a restart, and keeps the former one while the new
// files don't belong together. Older protocols than TLS 1.2 are refused.
func TestCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writeCertificate(t, cert, key, "one")
	url, _ := run(t, dispatcher.Options{TLSCert: cert, TLSKey: key, Redis: "redis://127.0.0.1:1", NomadAddr: "http://127.0.0.1:1"})
	addr := strings.TrimPrefix(url, "http://")
	served := func(most uint16) (string, error) {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: most})
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	name, err := served(tls.VersionTLS13)
	require.NoError(t, err)
	require.Equal(t, "one", name)
	_, err = served(tls.VersionTLS11)
	require.Error(t, err)

	other := filepath.Join(dir, "other")
	writeCertificate(t, cert, other, "two") // the key is still that of the first
	var last string
	require.Never(t, func() bool { last, err = served(tls.VersionTLS12); return err != nil || last != "one" }, 2500*time.Millisecond, 100*time.Millisecond)
	require.NoError(t, os.Rename(other, key))
	require.Eventually(t, func() bool { name, err := served(tls.VersionTLS13); return err == nil && name == "two" }, 30*time.Second, 100*time.Millisecond)

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequest(http.MethodGet, "https://"+addr+"/v1/status", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Host = "dispatcher.test" // a name in the certificate
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func writeCertificate(t *testing.T, cert, key, name string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"dispatcher.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	require.NoError(t, err)
	raw, err := x509.MarshalECPrivateKey(pair)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600))
}
