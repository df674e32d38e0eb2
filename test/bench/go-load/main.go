// Command go-load asks a webhook the same review again and again, each connection the next one when the last is
// answered, and says how fast the answers were. It costs little itself: a request is bytes made before, the answer is
// read into a buffer that is used again.
//
//	go-load -url https://127.0.0.1:9443/mutate -ca ca.crt -name webhook -review review.json \
//	        -connections 16 -warm 1s -time 5s
//
// In the review, every uidMark becomes an id of the same length that is new for each request, and must be in its answer.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	uidMark     = "@uid-of-the-review-36-characters-ok@"
	answerAfter = 10 * time.Second // an answer later than this is none
)

type result struct {
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
	Reviews     int     `json:"reviews"`  // in the measured time
	Answered    int     `json:"answered"` // in all
	PerSecond   float64 `json:"reviewsPerSecond"`
	P50         float64 `json:"p50Ms"`
	P99         float64 `json:"p99Ms"`
	Max         float64 `json:"maxMs"`
	CPU         float64 `json:"cpuSeconds"` // of this program
	BodyBytes   int     `json:"bodyBytes"`
	TLS         string  `json:"tls"`
}

func main() {
	target := flag.String("url", "", "address of the webhook")
	caFile := flag.String("ca", "", "PEM file of the CA that the webhook's certificate is checked against")
	name := flag.String("name", "", "DNS name that the certificate must have")
	reviewFile := flag.String("review", "", "JSON file of the review")
	connections := flag.Int("connections", 1, "connections, each with one review at a time")
	warm := flag.Duration("warm", time.Second, "time before the measurement")
	span := flag.Duration("time", 5*time.Second, "time that is measured")
	flag.Parse()

	address, err := url.Parse(*target)
	check(err)
	pem, err := os.ReadFile(*caFile)
	check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s holds no certificate", *caFile)
	}
	review, err := os.ReadFile(*reviewFile)
	check(err)

	clients := make([]*client, *connections)
	for i := range clients {
		clients[i], err = connect(address, &tls.Config{RootCAs: roots, ServerName: *name}, review, i)
		check(err)
	}
	begin := time.Now().Add(*warm)
	end := begin.Add(*span)
	var group sync.WaitGroup
	for _, client := range clients {
		group.Go(func() { check(client.ask(begin, end)) })
	}
	group.Wait()

	var all []time.Duration
	answered := 0
	for _, client := range clients {
		answered += client.count
		all = append(all, client.latencies...)
	}
	if len(all) == 0 {
		log.Fatal("not one review was answered in time")
	}
	slices.Sort(all)
	state := clients[0].conn.ConnectionState()
	check(json.NewEncoder(os.Stdout).Encode(result{
		Connections: *connections,
		Seconds:     span.Seconds(),
		Reviews:     len(all),
		Answered:    answered,
		PerSecond:   float64(len(all)) / span.Seconds(),
		P50:         milliseconds(quantile(all, 0.50)),
		P99:         milliseconds(quantile(all, 0.99)),
		Max:         milliseconds(all[len(all)-1]),
		CPU:         cpuSeconds(),
		BodyBytes:   len(review),
		TLS:         tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite),
	}))
}

type client struct {
	conn      *tls.Conn
	reader    *bufio.Reader
	message   []byte   // request line, headers and body
	uids      [][]byte // the places of the id in it
	number    int
	count     int
	body      bytes.Buffer
	latencies []time.Duration
}

func connect(address *url.URL, config *tls.Config, review []byte, number int) (*client, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: answerAfter}, "tcp", address.Host, config)
	if err != nil {
		return nil, err
	}
	var message bytes.Buffer
	fmt.Fprintf(&message, "POST %s?timeout=10s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\n"+
		"Accept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		address.Path, config.ServerName, len(review))
	message.Write(review)
	client := &client{conn: conn, reader: bufio.NewReaderSize(conn, 16<<10), message: message.Bytes(), number: number}
	for from := 0; ; {
		at := bytes.Index(client.message[from:], []byte(uidMark))
		if at < 0 {
			break
		}
		from += at + len(uidMark)
		client.uids = append(client.uids, client.message[from-len(uidMark):from])
	}
	if len(client.uids) == 0 {
		return nil, fmt.Errorf("the review has no %s", uidMark)
	}
	return client, nil
}

// ask sends reviews until end, and keeps the times of those that were both sent and answered between begin and end.
func (c *client) ask(begin, end time.Time) error {
	for {
		sent := time.Now()
		if sent.After(end) {
			return nil
		}
		uid := c.nextUID()
		c.conn.SetDeadline(sent.Add(answerAfter))
		if _, err := c.conn.Write(c.message); err != nil {
			return err
		}
		if err := c.readAnswer(uid); err != nil {
			return err
		}
		if answered := time.Now(); sent.After(begin) && !answered.After(end) {
			c.latencies = append(c.latencies, answered.Sub(sent))
		}
	}
}

func (c *client) nextUID() []byte {
	c.count++
	uid := fmt.Appendf(nil, "%08x-0000-4000-8000-%012x", c.number, c.count)
	for _, place := range c.uids {
		copy(place, uid)
	}
	return uid
}

func (c *client) readAnswer(uid []byte) error {
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	c.body.Reset()
	if _, err := io.Copy(&c.body, response.Body); err != nil {
		return err
	}
	answer := c.body.Bytes()
	if response.StatusCode != http.StatusOK || !bytes.Contains(answer, uid) ||
		!bytes.Contains(answer, []byte(`"patch":"`)) {
		return fmt.Errorf("not the answer to review %s: %s %.300s", uid, response.Status, answer)
	}
	return nil
}

// quantile takes the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[max(0, min(len(sorted)-1, int(float64(len(sorted))*q+0.999999)-1))]
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds()
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
